"""One rule, and what a rule may say: the vocabulary of the catalogue.

Comes in: what a file of `quality/rules/` holds under `rules`, `entities` and `settings`. Goes out: frozen
objects that are right in themselves; that they fit together is for `quality.catalogue`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from pipelines.extract.specs import ENTITIES
from pipelines.i18n import t

Severity = Literal["error", "warn", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warn", "info")
Dimension = Literal[
    "completeness", "uniqueness", "validity", "consistency", "timeliness", "accuracy", "reconciliation"
]
DIMENSIONS: tuple[Dimension, ...] = (
    "completeness", "uniqueness", "validity", "consistency", "timeliness", "accuracy", "reconciliation"
)  # fmt: skip
Gate = Literal[1, 2]
Mask = Literal["none", "phone", "name", "person", "email", "address", "code"]
Share = Annotated[float, Field(ge=0, le=1)]
# How the input contract tags its columns: an issue's value is published, so it may not stand there unmasked.
PERSONAL: dict[str, tuple[Mask, ...]] = {
    "customer_name": ("name",), "contact_name": ("person",), "referred_name": ("person",),
    "mobile": ("phone",), "phone": ("phone",), "customer_phone": ("phone",), "referred_phone": ("phone",),
    "email": ("email",), "customer_email": ("email",), "address": ("address",),
    "wechat_id": ("person", "name"), "credit_code": ("code",),
}  # fmt: skip


def _is_entity(name: str) -> str:
    if name not in ENTITIES:
        known = ", ".join(ENTITIES)
        raise ValueError(
            t("{name} is no entity of the input contract; those are {known}", name=name, known=known)
        )
    return name


def _compiles(regex: str) -> str:
    try:
        re.compile(regex)
    except re.error as error:
        raise ValueError(t("the regular expression is wrong: {error}", error=error)) from None
    return regex


Entity = Annotated[str, AfterValidator(_is_entity)]
Regex = Annotated[str, AfterValidator(_compiles)]
SqlName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
RuleId = Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")]
Threshold = Annotated[str, Field(pattern=r"^\$[a-z][a-z0-9_]*$")]
Number = int | float


class Model(BaseModel):
    """Frozen, and a key that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Model):
    """One sentence in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class PatternName(Model):
    """A regular expression by its name under `patterns`, in whichever file that stands."""

    pattern: SqlName


class _NoArguments(Model):
    pass


class _Regex(Model):
    regex: Regex | PatternName


class _ValueSet(Model):
    value_set: tuple[str | int | float | bool, ...] = Field(min_length=1)


class _Bounds(Model):
    min_value: Number | Threshold | None = None
    max_value: Number | Threshold | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        low, high = self.min_value, self.max_value
        if low is None and high is None:
            raise ValueError(t("give min_value, max_value or both"))
        if isinstance(low, Number) and isinstance(high, Number) and low > high:
            raise ValueError(t("min_value is above max_value"))
        return self


# What a rule may expect: Great Expectations' own snake-case names, with the arguments each takes.
EXPECTATIONS: dict[str, type[Model]] = {
    "expect_column_values_to_not_be_null": _NoArguments,
    "expect_column_values_to_match_regex": _Regex,
    "expect_column_values_to_not_match_regex": _Regex,
    "expect_column_values_to_be_in_set": _ValueSet,
    "expect_column_values_to_not_be_in_set": _ValueSet,
    "expect_column_values_to_be_between": _Bounds,
    "expect_column_value_lengths_to_be_between": _Bounds,
}


class Expected(Model):
    """One expectation in Great Expectations' terms: its name, the frame's column, its arguments."""

    name: str
    column: str
    kwargs: dict[str, Any]


class Rule(Model):
    """One rule: `check` names a boolean column that must be false, or `expectation` what `column` must be.

    Attributes:
        gate: 1, before identity, on the record and what its own and the other systems say of it; 2, after
            the core is built, on what the unified view says of it.
        field: the input column that a failure is reported for; `column` is by default the same.
        shown: the column whose (masked) value a failure shows, by default the field.
        where: SQL condition on the input row (alias i) and its join checks (alias c); rows for which it isn't
            true aren't checked.
        severity: error sets the record aside, warn flags it, info only counts and lists it.
        mask: how the field's value is masked in `quality.record_issues`.
        meaning: what is wrong. remedy: what to do about it.
        protects: the marts that a failure would spoil.
        max_failed: the share of what was checked that may fail; more stops the run.
        enabled: a rule that isn't checks nothing, and its issues are withdrawn.
    """

    rule_id: RuleId
    entity: Entity
    gate: Gate = 1
    field: SqlName
    severity: Severity
    dimension: Dimension
    mask: Mask
    title: Text
    meaning: Text
    remedy: Text
    protects: tuple[SqlName, ...] = Field(min_length=1)
    where: str | None = None
    check: SqlName | None = None
    expectation: str | None = None
    column: SqlName | None = None
    kwargs: dict[str, Any] = {}
    shown: SqlName | None = None
    max_failed: Share | None = None
    enabled: bool = True

    @field_validator("expectation")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        if name is not None and name not in EXPECTATIONS:
            raise ValueError(t("unknown expectation; known are {known}", known=", ".join(EXPECTATIONS)))
        return name

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.rule_id.startswith(f"{self.entity}."):
            raise ValueError(t("the rule_id of this rule must start with '{entity}.'", entity=self.entity))
        if self.gate == 2 and self.severity == "error":
            raise ValueError(t("a rule of gate 2 comes too late to set a record aside: let it warn"))
        if self.mask == "none" and (personal := {self.field, self.shown_column} & PERSONAL.keys()):
            name = min(personal)
            words = t("{field} is personal data, and issues are published: write mask: {mask}", field=name,
                      mask=PERSONAL[name][0])  # fmt: skip
            raise ValueError(words)
        if (self.check is None) == (self.expectation is None):
            raise ValueError(t("give either check or expectation"))
        if self.check and (self.column or self.kwargs):
            raise ValueError(t("column and kwargs go with an expectation, not with a check"))
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


class Link(Model):
    """That a record names one of another entity in its own system, and is nothing without it.

    Attributes:
        by: column of that entity -> own column; all must be equal.
    """

    entity: Entity
    by: dict[SqlName, SqlName] = Field(min_length=1)


class EntityPlan(Model):
    """How an entity's frame is read.

    Attributes:
        staff: the input column or the helper with the collecting employee's name, if the entity has one.
        moment: the input column that says when the record was made, if the entity has one.
        helpers: column name -> SQL expression on the input row (alias i) and its join checks (alias c).
        hangs_on: whose records it is set aside with.
        max_set_aside: the share of rows set aside above which the run stops; the suite's where not given.
    """

    staff: SqlName | None = None
    moment: SqlName | None = None
    helpers: dict[SqlName, str] = {}
    hangs_on: tuple[Link, ...] = ()
    max_set_aside: Share | None = None


class Setting(Model):
    """What a company changes about a rule without touching it."""

    enabled: bool | None = None
    severity: Severity | None = None
    max_failed: Share | None = None
