"""Ready-made systems for products that many companies run: pipelines/presets/<product>.

Comes in: a preset's name, and the name, location and title that the system gets. Goes out: the system's spec,
its staging models and the registry, as if somebody had written them. A preset is those very files with
`<system>` where the system's name goes and `<location>` where its location goes, and nothing else to fill in:
it reads like what it becomes, and the demo's CRM and ERP are two of them.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path

from pipelines.errors import GuikeError
from pipelines.extract.masking import mask_typed
from pipelines.extract.naming import is_plain_name
from pipelines.extract.registry import write_registry
from pipelines.extract.secrets_file import has_secret, location_without_secret, url_variable
from pipelines.extract.specs import load_spec
from pipelines.i18n import t
from pipelines.settings import ROOT, Settings

_PRESETS = ROOT / "pipelines" / "presets"
_TITLE = re.compile(r"^title: .*$", re.M)
_TRUST = re.compile(r"^trust: .*$", re.M)


def preset_names() -> list[str]:
    """The presets there are, sorted."""
    return sorted(path.parent.name for path in _PRESETS.glob("*/system.yml"))


def render_preset(
    preset: str, name: str, location: str, title: str | None = None, trust: int | None = None
) -> dict[str, str]:
    """The files of a system made from `preset`: path in the project -> text.

    Args:
        title: what users call the system, in both languages; the product's own name where it is None.
        trust: how far its values win over other systems'; the preset's own where it is None.

    Raises:
        GuikeError: there is no such preset.
    """
    if preset not in preset_names():
        raise GuikeError(
            t("There is no preset '{name}'.", name=preset),
            t("Choose one of these presets: {known}.", known=", ".join(preset_names())),
        )
    folder = _PRESETS / preset
    spec = (folder / "system.yml").read_text(encoding="utf-8").replace("<system>", name)
    spec = spec.replace("<location>", _quoted(location))
    if title is not None:
        line = f"title: {{en: {_quoted(title)}, zh: {_quoted(title)}}}"
        spec = _TITLE.sub(lambda _: line, spec, count=1)
    if trust is not None:
        spec = _TRUST.sub(f"trust: {trust}", spec, count=1)
    files = {f"pipelines/systems/{name}.yml": spec}
    for path in sorted((folder / "staging").iterdir()):
        stem = f"stg_{name}__{path.stem}" if path.suffix == ".sql" else f"_{name}__{path.stem}"
        text = path.read_text(encoding="utf-8").replace("<system>", name)
        files[f"dbt_project/models/staging/{name}/{stem}{path.suffix}"] = text
    return files


def apply_preset(
    settings: Settings,
    preset: str,
    name: str,
    location: str,
    title: str | None = None,
    trust: int | None = None,
) -> list[Path]:
    """Write the system `name` from `preset`, all of it or nothing; returns the files written.

    A location with a password goes into `.env`, and the spec names the variable.

    Raises:
        GuikeError: no such preset, a name that can't be one or is taken, a location that is no database URL.
    """
    kept = url_variable(name) if has_secret(location) else location
    files = render_preset(preset, name, kept, title, trust)
    _expect_new(settings, name)
    if "://" not in location and "${" not in location:
        raise GuikeError(
            t("The location {location} is not a database URL.", location=mask_typed(location)),
            t("Write it as mysql+pymysql://user:password@host:3306/database, or sqlite:///file."),
        )
    spec = settings.systems_dir / f"{name}.yml"
    staging = settings.dbt_dir / "models" / "staging" / name
    with tempfile.TemporaryDirectory(dir=settings.root, prefix=".guike-") as folder:
        work = Path(folder)
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text, encoding="utf-8")
        load_spec(work / spec.relative_to(settings.root))
        env_file = settings.root / ".env"
        before = env_file.read_bytes() if env_file.exists() else None
        try:
            location_without_secret(settings, name, location)
            staging.parent.mkdir(parents=True, exist_ok=True)
            (work / staging.relative_to(settings.root)).rename(staging)
            (work / spec.relative_to(settings.root)).rename(spec)
            write_registry(settings)
        except BaseException:
            spec.unlink(missing_ok=True)
            shutil.rmtree(staging, ignore_errors=True)
            if before is None:
                env_file.unlink(missing_ok=True)
            elif env_file.read_bytes() != before:
                env_file.write_bytes(before)
            raise
    return [settings.root / path for path in files]


def _expect_new(settings: Settings, name: str) -> None:
    """Refuse a name that no system can have, or that one has."""
    if not is_plain_name(name) or name.endswith("_staging"):
        raise GuikeError(
            t("'{name}' can't be the name of a system", name=name),
            t("Use small letters, digits and single underscores, a letter first."),
        )
    taken = [
        settings.systems_dir / f"{name}.yml",
        settings.systems_dir / f"{name}.yaml",
        settings.dbt_dir / "models" / "staging" / name,
    ]
    if there := [path for path in taken if path.exists()]:
        raise GuikeError(
            t("The system '{name}' is there already: {path}.", name=name,
              path=there[0].relative_to(settings.root)),
            t("Choose another name, or take it out first: guike system remove {name}", name=name),
        )  # fmt: skip


def _quoted(text: str) -> str:
    """`text` as a YAML scalar, whatever is in it (JSON's strings are YAML's too)."""
    return json.dumps(text, ensure_ascii=False)
