"""What a legacy system is, as data: one frozen, validated spec per file in pipelines/systems.

Comes in: YAML. Goes out: `SystemSpec` with its `TableSpec`s, or a GuikeError with file, line and reason: a
spec that can't work is refused when it is read, not at two in the morning.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from pipelines.errors import GuikeError
from pipelines.extract.controls import control_problem
from pipelines.extract.naming import is_plain_name, normalise
from pipelines.extract.options import (
    FILE_OPTIONS,
    Auth,
    BytesAre,
    Cursor,
    FileOptions,
    Freshness,
    Frozen,
    Limits,
    Paging,
    Secret,
    Title,
    known_encoding,
)  # fmt: skip
from pipelines.extract.remark_found import COLUMNS as REMARK_COLUMNS
from pipelines.extract.remark_words import rules_fingerprint
from pipelines.extract.spec_file import problem, read_model
from pipelines.i18n import t
from pipelines.settings import Settings

Kind = Literal["database", "csv", "excel", "dbf", "rest", "jsonl", "parquet", "text", "mail", "vcard"]
Measure = Literal["revenue", "receipts", "order_rows", "payment_rows", "customer_rows"]

ENTITIES = (
    "customers", "contacts", "staff", "products", "orders", "order_lines", "payments", "receivables",
    "contracts", "interactions", "tickets", "quotes", "surveys", "service_costs", "account_notes",
    "referrals", "usage",
)  # fmt: skip

_SYSTEM_OPTIONS: dict[str, frozenset[str]] = {
    "schema": frozenset({"database"}),
    "encoding": frozenset({"csv", "dbf", "jsonl", "text"}),
    "delimiter": frozenset({"csv"}),
    "token": frozenset({"rest"}),
    "auth": frozenset({"rest"}),
    "limits": frozenset({"rest"}),
    "page_size": frozenset({"rest"}),
    "paging": frozenset({"rest"}),
}
# Options of a table that don't change what its rows look like.
_NO_MATTER = {"floor", "snapshot", "cursor", "retyped"}
_TABLE_OPTIONS: dict[str, frozenset[str]] = {
    **FILE_OPTIONS,
    "method": frozenset({"rest"}),
    "params": frozenset({"rest"}),
    "body": frozenset({"rest"}),
    "data": frozenset({"rest"}),
    "cursor": frozenset({"database"}),
    "bytes_are": frozenset({"database"}),
}
_PLACEHOLDER = re.compile(r"\$\{[A-Z][A-Z0-9_]*(?::-[^{}]*)?\}")
_RESERVED = frozenset({
    "_row_id", "_row_number", "_loaded_at", "_run_id", "_deleted_at", "_deleted_in_run", "_returned_at",
})  # fmt: skip
_SCHEMA_SUFFIXES = ("_staging", "_incoming", "_deleted")  # schemas beside raw_<system>


class Column(NamedTuple):
    """A column of a raw table: its English name there and its name in the source."""

    name: str
    source: str


def _columns(value: Any) -> tuple[Column, ...]:
    """A list of source names, or a mapping {English name: source name}, as columns."""
    if isinstance(value, dict):
        pairs = [(str(name), "" if source is None else str(source)) for name, source in value.items()]
    elif isinstance(value, list):
        pairs = [(normalise(str(item)), str(item)) for item in value]
    else:
        raise problem(t("columns must be a list of names or a mapping {english_name: source name}"))
    if not pairs:
        raise problem(t("columns is empty"))
    seen: dict[str, str] = {}
    for index, (name, source) in enumerate(pairs):
        at = name if isinstance(value, dict) else index
        if isinstance(value, list) and not source.isascii():
            raise problem(
                t("'{column}' is not an English name; write it as english_name: {column}", column=source), at
            )
        if not is_plain_name(name) or name in _RESERVED:
            raise problem(t("'{name}' can't be the name of a column in the warehouse", name=name), at)
        if not source.strip():
            raise problem(t("the column '{name}' has no source name", name=name), at)
        if name in seen:
            raise problem(
                t("the columns '{one}' and '{two}' are both '{name}' in the warehouse",
                  one=seen[name], two=source, name=name), at
            )  # fmt: skip
        seen[name] = source
    return tuple(Column(name, source) for name, source in pairs)


def _key(value: Any) -> Any:
    return tuple(normalise(str(item)) for item in value) if isinstance(value, list) else value


class TableSpec(FileOptions):
    """One table of a legacy system.

    Attributes:
        name: the table's name in raw_<system>.
        source: its name there: a table, a sheet, a file in the folder, a REST path.
        key: columns that tell the rows apart; empty where only `_row_id` does.
        snapshot: why the table is read whole; or else
        cursor: which column says what has changed.
        floor: a load with fewer rows than this fraction of the last one's is refused; 0 takes any.
        columns: what is read, in this order.
        parse_remark: a column of free text about a contact; what it says comes as columns `remark_…` too.
        method: POST for a search endpoint; what selects the page is then sent in the body (REST).
        params: further parameters of each request (REST).
        body: what is sent with POST (REST).
        data: where the rows are in the answer, where it isn't what the system's paging says (REST).
        retyped: columns that may hold another kind of values than the time before.
        bytes_are: the encoding of text that the database takes for another, as GBK in latin1 columns: one for
            all text columns, or {column: encoding}.
    """

    name: str
    source: str
    key: Annotated[tuple[str, ...], BeforeValidator(_key)] = ()
    snapshot: str | None = Field(default=None, min_length=10)
    cursor: Cursor | None = None
    floor: float = 0.5
    columns: Annotated[tuple[Column, ...], BeforeValidator(_columns)]
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, Any] = {}
    body: dict[str, Any] = {}
    data: str | None = None
    parse_remark: str | None = None
    retyped: tuple[str, ...] = ()
    bytes_are: BytesAre = {}

    @model_validator(mode="before")
    @classmethod
    def _source_is_name(cls, value: Any) -> Any:
        return {"source": value.get("name"), **value} if isinstance(value, dict) else value

    @field_validator("name")
    @classmethod
    def _name_is_plain(cls, name: str) -> str:
        if not is_plain_name(name):
            raise problem(t("'{name}' can't be the name of a table in the warehouse", name=name))
        return name

    @field_validator("floor")
    @classmethod
    def _floor_is_fraction(cls, floor: float) -> float:
        if not 0 <= floor <= 1:
            raise problem(t("floor is {floor}, but must be from 0 to 1", floor=floor))
        return floor

    @model_validator(mode="after")
    def _named_columns_are_known(self) -> TableSpec:
        names = [column.name for column in self.columns]
        for index, part in enumerate(self.key):
            if part not in names:
                raise problem(t("the key '{key}' is not among the columns", key=part), "key", index)
            if part in self.key[:index]:
                raise problem(t("the key '{key}' stands there twice", key=part), "key", index)
        decoded = self.bytes_are if isinstance(self.bytes_are, dict) else {}
        named_in = {
            "fill_down": self.fill_down, "retyped": self.retyped, "units": self.units, "bytes_are": decoded,
        }  # fmt: skip
        for option, named in named_in.items():
            for index, name in enumerate(named):
                if name not in names:
                    at = name if isinstance(named, dict) else index
                    raise problem(t("'{column}' is not among the columns", column=name), option, at)
        return self

    @model_validator(mode="after")
    def _remark_is_known(self) -> TableSpec:
        names = [column.name for column in self.columns]
        if self.parse_remark is not None and self.parse_remark not in names:
            raise problem(t("'{column}' is not among the columns", column=self.parse_remark), "parse_remark")
        if self.parse_remark is not None and (taken := sorted({*names} & {*REMARK_COLUMNS})):
            raise problem(t("parse_remark makes the column '{column}'; give yours another name",
                            column=taken[0]), "columns")  # fmt: skip
        return self

    @model_validator(mode="after")
    def _snapshot_or_cursor(self) -> TableSpec:
        if self.cursor is None:
            if self.snapshot is None:
                raise problem(t("say why the table is read whole (snapshot), or what has changed (cursor)"))
            return self
        if self.snapshot is not None:
            raise problem(t("snapshot and cursor exclude each other"), "cursor")
        if not self.key:
            raise problem(t("a cursor needs a key, by which changed rows replace the old ones"), "cursor")
        if self.cursor.column not in [column.name for column in self.columns]:
            name = self.cursor.column
            raise problem(t("'{column}' is not among the columns", column=name), "cursor", "column")
        return self


class SystemSpec(Frozen):
    """One legacy system; `location` and `token` may hold ${VAR:-default}, filled at the moment of use."""

    name: str
    title: Title
    kind: Kind
    location: str = Field(min_length=1)
    trust: int
    timezone: str
    extra_columns: Literal["allow", "refuse"] | None = None
    database_schema: str | None = Field(default=None, alias="schema")
    encoding: str | None = None
    delimiter: str | None = None
    token: Secret | None = None
    auth: Auth | None = None
    limits: Limits = Limits()
    page_size: int = Field(default=1000, ge=1, le=100_000)
    paging: Paging = Paging()
    controls: dict[Measure, str] = {}
    freshness: Freshness | None = None
    tables: tuple[TableSpec, ...]

    @property
    def allows_extra_columns(self) -> bool:
        """Whether columns that no table names are ignored (a database has many)"""
        return self.extra_columns == "allow" or (self.extra_columns is None and self.kind == "database")

    def signature(self, table: TableSpec) -> str:
        """A fingerprint of everything here that decides what `table`'s rows look like."""
        parts = [self.kind, self.timezone, self.encoding, self.delimiter, self.allows_extra_columns]
        if table.parse_remark:
            parts.append(rules_fingerprint())
        text = json.dumps([*parts, table.model_dump(exclude=_NO_MATTER)], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @field_validator("name")
    @classmethod
    def _name_is_plain(cls, name: str) -> str:
        if not is_plain_name(name) or name.endswith(_SCHEMA_SUFFIXES):
            raise problem(t("'{name}' can't be the name of a system", name=name))
        return name

    @field_validator("trust")
    @classmethod
    def _trust_is_percentage(cls, trust: int) -> int:
        if not 0 <= trust <= 100:
            raise problem(t("trust is {trust}, but must be from 0 to 100", trust=trust))
        return trust

    @field_validator("timezone")
    @classmethod
    def _timezone_is_known(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise problem(t("the time zone '{name}' is unknown", name=timezone)) from None
        return timezone

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, encoding: str | None) -> str | None:
        return known_encoding(encoding) if encoding else encoding

    @field_validator("delimiter")
    @classmethod
    def _delimiter_is_one_character(cls, delimiter: str | None) -> str | None:
        if delimiter is not None and len(delimiter) != 1:
            raise problem(t("the delimiter must be one character"))
        return delimiter

    @field_validator("location")
    @classmethod
    def _placeholders_are_whole(cls, text: str | None) -> str | None:
        rest = text or ""
        while (filled := _PLACEHOLDER.sub("", rest)) != rest:
            rest = filled
        if "${" in rest:
            raise problem(t("write a variable as ${NAME} or ${NAME:-default}"))
        return text

    @model_validator(mode="after")
    def _options_fit_kind(self) -> SystemSpec:
        given = {"schema" if field == "database_schema" else field for field in self.model_fields_set}
        for option, kinds in _SYSTEM_OPTIONS.items():
            if option in given and self.kind not in kinds:
                raise _misplaced(option, self.kind, option)
        for index, table in enumerate(self.tables):
            for option, kinds in _TABLE_OPTIONS.items():
                if option in table.model_fields_set and self.kind not in kinds:
                    raise _misplaced(option, self.kind, "tables", index, option)
            if self.kind == "database" and not table.key:
                raise problem(t("a table of a database needs a key"), "tables", index)
        return self

    @model_validator(mode="after")
    def _requests_can_be_made(self) -> SystemSpec:
        if self.token is not None and self.auth is not None:
            raise problem(t("give either token or auth"), "auth")
        for index, table in enumerate(self.tables):
            if table.body and table.method != "POST":
                raise problem(t("a body needs method: POST"), "tables", index, "body")
        return self

    @model_validator(mode="after")
    def _table_names_differ(self) -> SystemSpec:
        names = [table.name for table in self.tables]
        if not names:
            raise problem(t("tables is empty"), "tables")
        for index, name in enumerate(names):
            if name in names[:index]:
                raise problem(t("the table '{name}' stands there twice", name=name), "tables", index)
        return self

    @model_validator(mode="after")
    def _freshness_is_known(self) -> SystemSpec:
        place = self.freshness.column if self.freshness else None
        known = [f"{table.name}.{column.name}" for table in self.tables for column in table.columns]
        if place is not None and place not in known:
            raise problem(t("there is no column {place}", place=place), "freshness", "column")
        return self

    @model_validator(mode="after")
    def _controls_are_queries(self) -> SystemSpec:
        known = {f"raw_{self.name}.{table.name}" for table in self.tables}
        for measure, sql in self.controls.items():
            if reason := control_problem(sql, known):
                raise problem(reason, "controls", measure)
        return self


def _misplaced(option: str, kind: str, *at: str | int) -> PydanticCustomError:
    return problem(t("{option} means nothing for kind {kind}", option=option, kind=kind), *at)


def load_spec(path: Path) -> SystemSpec:
    """Read and validate one spec.

    Raises:
        GuikeError: every problem of the file as `file, line: reason`.
    """
    spec = read_model(path, SystemSpec)
    if spec.name != path.stem:
        raise GuikeError(
            t("{file}, line 1: the system's name is '{name}', but the file is called {file}",
              file=path.name, name=spec.name),
            t("Give the file and the system the same name."),
        )  # fmt: skip
    return spec


def expect_system(known: Collection[str], name: str) -> None:
    """Refuse a name that none of the `known` systems has."""
    if name not in known:
        raise GuikeError(
            t("There is no system '{system}'.", system=name),
            t("The systems are: {systems}.", systems=", ".join(known)),
        )


def load_specs(settings: Settings) -> list[SystemSpec]:
    """All systems of the company, sorted by name.

    Raises:
        GuikeError: a spec that can't work, or two files for one system.
    """
    folder = settings.systems_dir
    paths = sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")], key=lambda path: path.stem)
    for one, other in zip(paths, paths[1:], strict=False):
        if one.stem == other.stem:
            raise GuikeError(
                t(
                    "The system '{name}' has two files: {one}, {two}.",
                    name=one.stem,
                    one=one.name,
                    two=other.name,
                ),
                t("Keep one of them."),
            )
    return [load_spec(path) for path in paths]
