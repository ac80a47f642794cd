"""Write a system's files, all of them or none.

Comes in: the rendered files. Goes out: the same in the project, moved there from a temporary folder once the
YAML has proved to be a spec that works; the URL goes into `.env`. Whatever happens in between, Ctrl-C
included, what was there before is there again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import GuikeError
from pipelines.extract.naming import is_plain_name
from pipelines.extract.registry import write_registry
from pipelines.extract.secrets_file import note_variables
from pipelines.extract.specs import load_spec
from pipelines.i18n import t
from pipelines.settings import Settings


def require_free_name(settings: Settings, name: str) -> None:
    """Refuse a name that can't be one, or that is taken.

    Raises:
        GuikeError: with what to do.
    """
    if not is_plain_name(name) or name.endswith("_staging") or "__" in name:
        raise GuikeError(
            t("'{name}' can't be the name of a system.", name=name),
            t("Use small English letters, digits and single underscores, such as erp or shop_2."),
        )
    taken = [settings.systems_dir / f"{name}{ending}" for ending in (".yml", ".yaml")]
    taken.append(settings.dbt_dir / "models" / "staging" / name)
    for path in taken:
        if path.exists():
            raise GuikeError(
                t(
                    "There is already a system '{name}': {file}.",
                    name=name,
                    file=path.relative_to(settings.root),
                ),
                t("Choose another name, or take it out first: guike system remove {name}", name=name),
            )


def write_system(
    settings: Settings, name: str, files: Mapping[Path, str], variables: Mapping[str, str]
) -> list[Path]:
    """Put the files in place, note the variables in `.env`, and bring the registry up to date.

    Returns:
        The paths written, relative to the project.

    Raises:
        GuikeError: the spec that was written can't work; nothing is left behind.
    """
    require_free_name(settings, name)
    staging = settings.dbt_dir / "models" / "staging"
    staging.mkdir(parents=True, exist_ok=True)
    env_file = settings.root / ".env"
    before = env_file.read_bytes() if env_file.exists() else None
    placed: list[Path] = []
    with tempfile.TemporaryDirectory(prefix=".guike-", dir=settings.root) as folder:
        for path, text in files.items():
            target = Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        spec_file = Path("pipelines") / "systems" / f"{name}.yml"
        load_spec(Path(folder) / spec_file)
        try:
            for part in (staging.relative_to(settings.root) / name, spec_file):
                placed.append(settings.root / part)
                shutil.move(Path(folder) / part, settings.root / part)
            note_variables(env_file, variables)
            write_registry(settings)
        except BaseException:
            _undo(settings, placed, env_file, before)
            raise
    noted = [Path(".env")] if variables else []
    return sorted(files) + noted


def _undo(settings: Settings, placed: list[Path], env_file: Path, before: bytes | None) -> None:
    for path in placed:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if before is None:
        env_file.unlink(missing_ok=True)
    else:
        env_file.write_bytes(before)
    write_registry(settings)
