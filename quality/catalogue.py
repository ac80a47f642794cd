"""The rules of both gates as data: the files of `quality/rules/`, read, merged and validated.

Comes in: a folder of YAML files, in order of their names; a company's own (`company….yml`) last. Each may
hold any of `max_set_aside`, `patterns`, `thresholds`, `entities`, `rules` and `settings`. Goes out: a frozen
`Catalogue` whose every rule says what it expects of which field, how severe a failure is, what failing means
and what to do in both languages, and which marts it protects. A catalogue that can't work is refused with
file, line and reason, before any record is looked at.

A later file's numbers, patterns and settings take the place of an earlier one's, so that a company can change
them in a file of its own; a rule and a helper stand only once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from pipelines.errors import GuikeError
from pipelines.i18n import t
from quality.rule import Entity, EntityPlan, Gate, Link, Model, Number, Regex, Rule, Setting, Share, SqlName

RULES_FOLDER = Path(__file__).parent / "rules"

_NO_PLAN = EntityPlan()
# How helpers and conditions ask for a number or a pattern.
_ASKED = re.compile(r"\b(pattern|threshold)\('(\w+)'\)")
# The one written in C, where libyaml is there, reads the rules in a tenth of the time.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Place(NamedTuple):
    """Where something stands: the file's name, and the line from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return t("{file}, line {line}", file=self.file, line=self.line)


class _File(Model):
    max_set_aside: Share | None = None
    patterns: dict[SqlName, Regex] = {}
    thresholds: dict[SqlName, Number] = {}
    entities: dict[Entity, EntityPlan] = {}
    rules: tuple[Rule, ...] = ()
    settings: dict[str, Setting] = {}


@dataclass(frozen=True)
class Catalogue:
    """All rules that are switched on, and where each stands.

    Attributes:
        name: of the folder or file, for messages.
        links: which entity hangs on which, those above before those that hang on them.
        rules: in the order of the files; those that are switched off stand in `disabled`.
        places: rule_id -> file and line, of all rules.
        rules_version: a hash of all files, which issues carry.
    """

    name: str
    max_set_aside: float
    patterns: Mapping[str, str]
    thresholds: Mapping[str, Number]
    entities: Mapping[str, EntityPlan]
    links: Sequence[tuple[str, Link]]
    rules: tuple[Rule, ...]
    disabled: tuple[Rule, ...]
    places: Mapping[str, Place]
    rules_version: str

    def of(self, entity: str, gate: Gate = 1) -> tuple[Rule, ...]:
        """The entity's rules at a gate, in the files' order."""
        return tuple(rule for rule in self.rules if rule.entity == entity and rule.gate == gate)

    def checked_at(self, gate: Gate) -> tuple[str, ...]:
        """The entities that have a rule at this gate, in the files' order."""
        return tuple(dict.fromkeys(rule.entity for rule in self.rules if rule.gate == gate))

    def plan(self, entity: str) -> EntityPlan:
        """How the entity's frame is read."""
        return self.entities.get(entity, _NO_PLAN)

    def limit(self, entity: str) -> float:
        """The share of the entity's rows that may be set aside before the run stops."""
        own = self.plan(entity).max_set_aside
        return self.max_set_aside if own is None else own

    def where(self, rule: Rule) -> str:
        """File and line of a rule, for messages."""
        return str(self.places[rule.rule_id])


@dataclass
class _Merged:
    """What the files say together."""

    max_set_aside: float | None = None
    patterns: dict[str, str] = field(default_factory=dict)
    thresholds: dict[str, Number] = field(default_factory=dict)
    entities: dict[str, EntityPlan] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    settings: list[tuple[str, Setting, Place]] = field(default_factory=list)
    own_names: list[tuple[str, str, Place]] = field(default_factory=list)


def load_catalogue(path: Path = RULES_FOLDER) -> Catalogue:
    """Read and validate the catalogue: all files of a folder, or one file.

    Raises:
        GuikeError: a file is no YAML, or a key, name or value in it can't work; with file and line.
    """
    merged, digest = _Merged(), hashlib.sha256()
    for file in files_of(path):
        content = file.read_bytes()
        digest.update(f"{file.name}\0{len(content)}\0".encode() + content)
        _merge(merged, file, *_read(file, content))
    if merged.max_set_aside is None:
        raise _refused(Place(path.name, 1), t("no file says max_set_aside"))
    if not merged.rules:
        raise _refused(Place(path.name, 1), t("there are no rules"))
    _apply_settings(merged)
    _refuse_unused(merged)
    try:
        links = _in_order(merged.entities)
    except CycleError as error:
        raise _refused(Place(path.name, 1), t("{entities} hang on each other",
                       entities=", ".join(error.args[1]))) from None  # fmt: skip
    rules = [_filled(rule, merged) for rule in merged.rules.values()]
    return Catalogue(
        name=path.name, max_set_aside=merged.max_set_aside, patterns=merged.patterns,
        thresholds=merged.thresholds, entities=merged.entities, links=links,
        rules=tuple(rule for rule in rules if rule.enabled),
        disabled=tuple(rule for rule in rules if not rule.enabled),
        places=merged.places, rules_version=digest.hexdigest()[:12],
    )  # fmt: skip


def files_of(path: Path) -> Sequence[Path]:
    """The catalogue's files in the order in which they count: by name, a company's own last."""
    if not path.is_dir():
        return [path]
    return sorted(path.glob("*.yml"), key=lambda file: (_is_companys(file), file.name))


def _is_companys(file: Path) -> bool:
    return file.name.startswith("company")


def _read(file: Path, content: bytes) -> tuple[_File, yaml.Node | None]:
    try:
        loader = _Loader(content.decode("utf-8"))
        tree = loader.get_single_node()
        _refuse_double_names(file, tree)
        said = loader.construct_document(tree) if tree else None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refused(Place(file.name, line), t("it is not UTF-8")) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(file.name, mark.line + 1 if mark else 1)
        raise _refused(place, str(getattr(error, "problem", error))) from None
    try:
        return _File.model_validate({} if said is None else said), tree
    except ValidationError as error:
        location, words = _plainest(error)
        key = ".".join(str(part) for part in location)
        place = Place(file.name, _line(tree, location))
        raise _refused(place, f"{key}: {words}" if key else words) from None


def _merge(merged: _Merged, file: Path, said: _File, tree: yaml.Node | None) -> None:
    def place(*location: int | str) -> Place:
        return Place(file.name, _line(tree, location))

    if said.max_set_aside is not None:
        merged.max_set_aside = said.max_set_aside
    if _is_companys(file):
        merged.own_names += [
            (kind, name, place(f"{kind}s", name))
            for kind in ("pattern", "threshold")
            for name in getattr(said, f"{kind}s")
            if name not in getattr(merged, f"{kind}s")
        ]
    merged.patterns |= said.patterns
    merged.thresholds |= said.thresholds
    for entity, plan in said.entities.items():
        before = merged.entities.get(entity, _NO_PLAN)
        if double := sorted(set(before.helpers) & set(plan.helpers)):
            raise _refused(
                place("entities", entity, "helpers", double[0]),
                t("the helper {name} of {entity} stands there twice", name=double[0], entity=entity),
            )
        given = {name: getattr(plan, name) for name in plan.model_fields_set}
        given["helpers"] = {**before.helpers, **plan.helpers}
        merged.entities[entity] = before.model_copy(update=given)
    for number, rule in enumerate(said.rules):
        if rule.rule_id in merged.rules:
            raise _refused(
                place("rules", number),
                t("the rule {rule} stands there twice; first in {place}", rule=rule.rule_id,
                  place=merged.places[rule.rule_id]),
            )  # fmt: skip
        merged.rules[rule.rule_id], merged.places[rule.rule_id] = rule, place("rules", number)
    merged.settings += [(rule_id, one, place("settings", rule_id)) for rule_id, one in said.settings.items()]


def _in_order(entities: Mapping[str, EntityPlan]) -> list[tuple[str, Link]]:
    above = {name: [link.entity for link in plan.hangs_on] for name, plan in entities.items()}
    order = TopologicalSorter(above).static_order()
    return [(name, link) for name in order if name in entities for link in entities[name].hangs_on]


def _apply_settings(merged: _Merged) -> None:
    for rule_id, setting, place in merged.settings:
        if rule_id not in merged.rules:
            raise _refused(place, t("there is no rule {rule}", rule=rule_id))
        changed = setting.model_dump(include=setting.model_fields_set)
        merged.rules[rule_id] = _changed(merged.rules[rule_id], changed, place)


def _refuse_unused(merged: _Merged) -> None:
    """A pattern or threshold of the company's own that nothing asks for is another one's, mistyped."""
    texts = [rule.where or "" for rule in merged.rules.values()]
    texts += [helper for plan in merged.entities.values() for helper in plan.helpers.values()]
    asked = set(_ASKED.findall(" ".join(texts)))
    for rule in merged.rules.values():
        for value in rule.kwargs.values():
            if isinstance(value, dict):
                asked.add(("pattern", value["pattern"]))
            elif isinstance(value, str):
                asked.add(("threshold", value.removeprefix("$")))
    for kind, name, place in merged.own_names:
        if (kind, name) not in asked:
            known = ", ".join(sorted(set(getattr(merged, f"{kind}s")) - {name}))
            raise _refused(place, t("nothing asks for {name}; is it mistyped? There are {known}",
                                    name=name, known=known))  # fmt: skip


def _filled(rule: Rule, merged: _Merged) -> Rule:
    """The rule with its patterns and thresholds in place of their names."""
    kwargs = {}
    for key, value in rule.kwargs.items():
        if isinstance(value, dict):
            kwargs[key] = _named(value["pattern"], merged.patterns, t("pattern"), merged.places[rule.rule_id])
        elif isinstance(value, str) and key in ("min_value", "max_value"):
            name = value.removeprefix("$")
            kwargs[key] = _named(name, merged.thresholds, t("threshold"), merged.places[rule.rule_id])
        else:
            kwargs[key] = value
    return rule if kwargs == rule.kwargs else _changed(rule, {"kwargs": kwargs}, merged.places[rule.rule_id])


def _named(name: str, known: Mapping[str, Any], kind: str, place: Place) -> Any:
    if name not in known:
        words = t("there is no {kind} {name}; there are {known}", kind=kind, name=name,
                  known=", ".join(sorted(known)))  # fmt: skip
        raise _refused(place, words)
    return known[name]


def _changed(rule: Rule, values: Mapping[str, Any], place: Place) -> Rule:
    try:
        return Rule.model_validate(rule.model_dump() | dict(values))
    except ValidationError as error:
        raise _refused(place, _plainest(error)[1]) from None


def _plainest(error: ValidationError) -> tuple[tuple[int | str, ...], str]:
    """Where and what, in plain words; of several the mistyped key, by which another one is missing."""
    found = error.errors(include_url=False)
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    if first["type"] == "extra_forbidden":
        *above, _ = first["loc"]
        missing = [str(one["loc"][-1]) for one in found if one["type"] == "missing"
                   and list(one["loc"][:-1]) == above]  # fmt: skip
        words = t("there is no such key; is it mistyped?")
        if missing:
            words = t("there is no such key; is it mistyped for {keys}?", keys=", ".join(missing))
    elif first["type"] == "missing":
        words = t("this is missing")
    elif first["type"] in ("model_type", "dict_type"):
        words = t("names with values belong here")
    else:
        words = first["msg"].removeprefix("Value error, ")
    return first["loc"], words


def _refuse_double_names(file: Path, node: yaml.Node | None) -> None:
    """Refuse a name that stands twice in one mapping: YAML would silently take the last."""
    waiting = [node] if node else []
    while waiting:
        one = waiting.pop()
        if isinstance(one, yaml.SequenceNode):
            waiting += one.value
        elif isinstance(one, yaml.MappingNode):
            names: set[Any] = set()
            for key, value in one.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in names:
                        place = Place(file.name, key.start_mark.line + 1)
                        raise _refused(place, t("{name} stands there twice", name=key.value))
                    names.add(key.value)
                waiting.append(value)


def _refused(place: Place, reason: str) -> GuikeError:
    return GuikeError(
        t("{file}, line {line}: {reason}", file=place.file, line=place.line, reason=reason),
        t("Mend this line of the rule catalogue; the other rules there show how it is written."),
    )


def _line(node: yaml.Node | None, location: Iterable[int | str]) -> int:
    """The 1-based line of the deepest node on the way to `location` that is there."""
    line = node.start_mark.line + 1 if node else 1
    for part in location:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == part), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        else:
            break
    return line
