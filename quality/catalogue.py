"""The rules of gate 1 as data: `rules.yml`, read and validated.

Comes in: the catalogue file. Goes out: a frozen `Catalogue` whose every rule says what it expects of which
field, how severe a failure is, what failing means in both languages and which marts it protects. A catalogue
that can't work is refused with file, line and reason, before any record is looked at.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from pipelines.errors import GuikeError
from pipelines.extract.specs import ENTITIES
from pipelines.i18n import t

RULES_FILE = Path(__file__).parent / "rules.yml"

Severity = Literal["error", "warn"]
Dimension = Literal["completeness", "validity", "consistency", "uniqueness", "timeliness", "authenticity"]
Mask = Literal["none", "phone", "name", "email"]
Share = Annotated[float, Field(ge=0, le=1)]


def _is_entity(name: str) -> str:
    if name not in ENTITIES:
        raise ValueError(f"{name} is no entity of the input contract; those are {', '.join(ENTITIES)}")
    return name


def _compiles(regex: str) -> str:
    try:
        re.compile(regex)
    except re.error as error:
        raise ValueError(f"the regular expression is wrong: {error}") from None
    return regex


Entity = Annotated[str, AfterValidator(_is_entity)]
Regex = Annotated[str, AfterValidator(_compiles)]
SqlName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Model):
    """One sentence in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class _NoArguments(_Model):
    pass


class _Regex(_Model):
    regex: Regex


class _ValueSet(_Model):
    value_set: tuple[str | int | float | bool, ...] = Field(min_length=1)


class _Bounds(_Model):
    min_value: int | float | None = None
    max_value: int | float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_value is None and self.max_value is None:
            raise ValueError("give min_value, max_value or both")
        if self.min_value is not None and self.max_value is not None and self.min_value > self.max_value:
            raise ValueError("min_value is above max_value")
        return self


# What a rule may expect: Great Expectations' own snake-case names, with the arguments each takes.
EXPECTATIONS: dict[str, type[_Model]] = {
    "expect_column_values_to_not_be_null": _NoArguments,
    "expect_column_values_to_match_regex": _Regex,
    "expect_column_values_to_not_match_regex": _Regex,
    "expect_column_values_to_be_in_set": _ValueSet,
    "expect_column_values_to_not_be_in_set": _ValueSet,
    "expect_column_values_to_be_between": _Bounds,
    "expect_column_value_lengths_to_be_between": _Bounds,
}


class Expected(_Model):
    """One expectation in Great Expectations' terms: its name, the frame's column, its arguments."""

    name: str
    column: str
    kwargs: dict[str, Any]


class Rule(_Model):
    """One rule: `check` names a boolean column that must be false, or `expectation` what `column` must be.

    Attributes:
        field: the input column that a failure is reported for; `column` is by default the same.
        shown: the column whose (masked) value a failure shows, by default the field.
        where: SQL condition on the input row (alias i) and its join checks (alias c); rows for which it isn't
            true aren't checked.
        mask: how the field's value is masked in `quality.record_issues`.
        protects: the marts that a failure would spoil.
    """

    rule_id: str = Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")
    entity: Entity
    field: SqlName
    severity: Severity
    dimension: Dimension
    mask: Mask
    title: Text
    meaning: Text
    protects: tuple[SqlName, ...] = Field(min_length=1)
    where: str | None = None
    check: SqlName | None = None
    expectation: str | None = None
    column: SqlName | None = None
    kwargs: dict[str, Any] = {}
    shown: SqlName | None = None

    @field_validator("expectation")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        if name is not None and name not in EXPECTATIONS:
            raise ValueError(f"unknown expectation; known are {', '.join(EXPECTATIONS)}")
        return name

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.rule_id.startswith(f"{self.entity}."):
            raise ValueError(f"the rule_id of this rule must start with '{self.entity}.'")
        if (self.check is None) == (self.expectation is None):
            raise ValueError("give either check or expectation")
        if self.check and (self.column or self.kwargs):
            raise ValueError("column and kwargs go with an expectation, not with a check")
        if self.expectation:
            EXPECTATIONS[self.expectation].model_validate(self.kwargs)
        return self

    @property
    def is_about_missing(self) -> bool:
        """Whether a missing value is what the rule looks for; all other rules skip missing values."""
        return self.expectation == "expect_column_values_to_not_be_null"

    @property
    def shown_column(self) -> str:
        """The column whose masked value an issue shows."""
        return self.shown or self.field

    @property
    def expected(self) -> Expected:
        """The rule as one expectation on one column of the entity's frame."""
        if self.check:
            return Expected(
                name="expect_column_values_to_be_in_set", column=self.check, kwargs={"value_set": [False]}
            )
        assert self.expectation is not None
        return Expected(name=self.expectation, column=self.column or self.field, kwargs=self.kwargs)


class EntityPlan(_Model):
    """How an entity's frame is read.

    Attributes:
        staff: the input column with the collecting employee's name, if the entity has one.
        helpers: column name -> SQL expression on the input row (alias i) and its join checks (alias c).
        max_set_aside: the share of rows set aside above which the run stops; the suite's where not given.
    """

    staff: SqlName | None = None
    helpers: dict[SqlName, str] = {}
    max_set_aside: Share | None = None


class _File(_Model):
    max_set_aside: Share
    patterns: dict[SqlName, Regex] = {}
    entities: dict[Entity, EntityPlan]
    rules: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        seen: set[str] = set()
        for rule in self.rules:
            if rule.rule_id in seen:
                raise ValueError(f"the rule {rule.rule_id} stands there twice")
            seen.add(rule.rule_id)
            if rule.entity not in self.entities:
                raise ValueError(f"{rule.rule_id} is about {rule.entity}, which is not under entities")
        return self


class Catalogue(_File):
    """All rules, with the version that issues carry and the line each rule stands on (1-based)."""

    path: Path
    rules_version: str
    lines: dict[str, int]

    def of(self, entity: str) -> tuple[Rule, ...]:
        """The entity's rules in the file's order."""
        return tuple(rule for rule in self.rules if rule.entity == entity)

    def limit(self, entity: str) -> float:
        """The share of the entity's rows that may be set aside before the run stops."""
        own = self.entities[entity].max_set_aside if entity in self.entities else None
        return self.max_set_aside if own is None else own

    def where(self, rule: Rule) -> str:
        """File and line of a rule, for messages."""
        return t("{file}, line {line}", file=self.path.name, line=self.lines[rule.rule_id])


def load_catalogue(path: Path = RULES_FILE) -> Catalogue:
    """Read and validate the catalogue.

    Raises:
        GuikeError: the file is no YAML, or a key, name or value in it can't work; with its line.
    """
    text = path.read_text(encoding="utf-8")
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _refused(path, mark.line + 1 if mark else 1, str(getattr(error, "problem", error))) from None
    try:
        _File.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _refused(path, _line(tree, first["loc"]), f"{place}: {first['msg']}") from None
    lines = {rule["rule_id"]: _line(tree, ("rules", number)) for number, rule in enumerate(content["rules"])}
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Catalogue.model_validate(content | {"path": path, "rules_version": version, "lines": lines})


def _refused(path: Path, line: int, reason: str) -> GuikeError:
    return GuikeError(
        t("{file}, line {line}: {reason}", file=path.name, line=line, reason=reason),
        t("Mend this line of the rule catalogue; the other rules there show how it is written."),
    )


def _line(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
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
