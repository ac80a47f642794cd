"""Which staging models feed which entity of the input contract, from their file names.

Comes in: the specs and the folder of staging models. Goes out: dbt_project/macros/registry.sql, so that
adding a system edits no file but its own.
"""

from __future__ import annotations

import re

from pipelines.errors import GuikeError
from pipelines.extract.specs import ENTITIES, load_specs
from pipelines.i18n import t
from pipelines.settings import Settings

_MODEL = re.compile(r"stg_(?P<system>[a-z0-9_]+?)__(?P<entity>[a-z0-9_]+?)(?:__[a-z0-9_]+)?")
_MACRO = """\
{{#- Written by Guike from the systems and the names of their staging models; don't edit. -#}}
{{%- macro staging_registry() -%}}
{{{{ return({{
{lines}
}}) }}}}
{{%- endmacro -%}}

{{#- System -> the zone in which it writes its times. -#}}
{{%- macro system_timezones() -%}}
{{{{ return({{
{zones}
}}) }}}}
{{%- endmacro -%}}
"""


def registry(settings: Settings) -> dict[str, list[str]]:
    """Entity -> the names of its staging models, sorted; every entity is there, some with no model.

    Raises:
        GuikeError: a staging model whose name says another system than its folder, or no known system.
    """
    systems = {spec.name for spec in load_specs(settings)}
    models: dict[str, list[str]] = {entity: [] for entity in ENTITIES}
    for path in sorted(settings.dbt_dir.glob("models/staging/*/stg_*.sql")):
        match = _MODEL.fullmatch(path.stem)
        if match is None or match["system"] != path.parent.name or match["system"] not in systems:
            raise GuikeError(
                t("The staging model {file} belongs to no system.", file=f"{path.parent.name}/{path.name}"),
                t("Name it stg_<system>__<entity>.sql, in the folder of a system in pipelines/systems."),
            )
        if match["entity"] in models:
            models[match["entity"]].append(path.stem)
    return models


def write_registry(settings: Settings) -> bool:
    """Write dbt_project/macros/registry.sql where it differs; returns whether it did."""
    lines = []
    for entity, names in registry(settings).items():
        lines.append(f"    '{entity}': [{', '.join(repr(name) for name in names)}],")
    zones = [f"    '{spec.name}': '{spec.timezone}'," for spec in load_specs(settings)]
    path = settings.dbt_dir / "macros" / "registry.sql"
    text = _MACRO.format(lines="\n".join(lines), zones="\n".join(zones))
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True
