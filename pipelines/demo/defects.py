"""The bad data of DOMAIN section 8, planted on purpose and written down in the truth.

Comes in: a table that is right. Goes out: the same table with some values spoiled; no value is spoiled
twice, so that each defect can be found again as it was planted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipelines.demo.fabric import Booleans, Integers, Objects, numbers, some, stream, vocabulary
from pipelines.demo.names import FULL_WIDTH, TRADITIONAL
from pipelines.demo.naming import DEFECT_OF_STYLE
from pipelines.demo.tables import Table
from pipelines.demo.truth import Truth

PLACEHOLDER_NAMES = vocabulary(["测试", "无", "张三", "aaa"])
PLACEHOLDER_PHONES = vocabulary(["13800000000", "12345678", "11111111111", "00000000000"])
ZERO_DATE = "0000-00-00"
# Every item of DOMAIN section 8, as it is called in truth/defects.parquet.
CATALOGUE = (
    "fullwidth_digits",
    "fullwidth_letters",
    "float_phone",
    "plus86_phone",
    "extension_number",
    "hotline_400",
    "shared_switchboard",
    "placeholder_name",
    "placeholder_phone",
    "zero_date",
    "future_date",
    "excel_serial_date",
    "traditional_spelling",
    "title_instead_of_name",
    "firm_without_city",
    "firm_without_suffix",
    "firm_without_city_and_suffix",
    "firm_brackets_full_width",
    "firm_brackets_half_width",
    "firm_other_order",
    "firm_nickname",
    "wrong_credit_code",
    "money_in_wan",
    "money_without_tax",
    "cancelled_order",
    "test_order",
    "office_as_customer",
    "person_as_two_customers",
    "shared_phone",
    "order_without_customer",
    "overpayment",
    "conflicting_name",
    "conflicting_phone",
    "conflicting_region",
    "conflicting_owner",
    "untouched_two_years",
    "invented_phone",
    "invented_email",
    # Not planted: they lie in the world (see `noted`).
    "owner_has_left",
    "staff_had_left",
    "two_prices",
    "title_in_remark",
    "contact_title_in_remark",
)


class Planter:
    """Plants defects into tables, deterministically for a seed."""

    def __init__(self, truth: Truth, seed: int) -> None:
        self.truth = truth
        self._seed = seed

    def plant(
        self, table: Table, field: str, defect: str, change: Callable[[Objects], Objects], share: float,
        eligible: Booleans | None = None,
    ) -> Integers:  # fmt: skip
        """Change `share` of the field's values (at least a few) and note it; gives the rows."""
        column: Objects = table.columns[field]
        rows = self.choose(table, field, defect, share, eligible)
        column[rows] = change(column[rows])
        self.truth.defect(defect, table, rows, field)
        return rows

    def choose(
        self, table: Table, field: str, defect: str, share: float, eligible: Booleans | None = None
    ) -> Integers:
        """Rows for a defect that the caller plants and notes itself; marks them as taken."""
        rng = stream(self._seed, f"{defect} {table.system} {table.name} {field}")
        free = ~table.taken.setdefault(field, np.zeros(len(table), dtype=bool))
        column = table.columns[field]
        if column.dtype == object:
            free &= (column != None) & (column != "")  # noqa: E711 -- elementwise
        rows = some(rng, free if eligible is None else free & eligible, share)
        table.taken[field][rows] = True
        return rows

    def note(self, table: Table, field: str, defect: str, rows: Integers) -> None:
        """Note a defect that lies in the data already, and keep others off these values."""
        table.taken.setdefault(field, np.zeros(len(table), dtype=bool))[rows] = True
        self.truth.defect(defect, table, rows, field)

    def note_styles(self, table: Table, field: str, style: Integers) -> None:
        """Note every name that isn't written in full (see `naming.DEFECT_OF_STYLE`)."""
        for code, defect in DEFECT_OF_STYLE.items():
            self.note(table, field, defect, np.flatnonzero(style == code))

    def spoil_mobiles(self, table: Table, field: str) -> None:
        """All that happens to a mobile number on its way through forms and spreadsheets."""
        self.plant(table, field, "fullwidth_digits", full_width, 0.006)
        self.plant(table, field, "float_phone", lambda old: old + ".0", 0.008)
        self.plant(table, field, "plus86_phone", with_country, 0.012)
        self.plant(table, field, "placeholder_phone", cycle(PLACEHOLDER_PHONES), 0.006)

    def spoil_names(self, table: Table, field: str) -> None:
        """Placeholders instead of names, traditional spellings, full-width letters."""
        self.plant(table, field, "placeholder_name", cycle(PLACEHOLDER_NAMES), 0.004)
        changes = traditional(table.columns[field]) != table.columns[field]
        self.plant(table, field, "traditional_spelling", traditional, 0.012, changes)
        letters = full_width(table.columns[field]) != table.columns[field]
        self.plant(table, field, "fullwidth_letters", full_width, 0.25, letters)


def cycle(words: Objects) -> Callable[[Objects], Objects]:
    """A change that puts the given words in turn."""
    return lambda old: words[np.arange(len(old)) % len(words)]


def full_width(old: Objects) -> Objects:
    """１３８ instead of 138, ＡＢＣ instead of ABC."""
    return vocabulary([value and value.translate(FULL_WIDTH) for value in old])


def traditional(old: Objects) -> Objects:
    """張偉 instead of 张伟."""
    return vocabulary([value and value.translate(TRADITIONAL) for value in old])


def with_country(old: Objects) -> Objects:
    """+86 138…, 0086138…, 86-138… in turn."""
    heads = vocabulary(["+86 ", "0086", "+86-", "86-"])
    return np.asarray(heads[np.arange(len(old)) % 4] + old)


def with_extension(old: Objects) -> Objects:
    """0510-81234567-802, …转802, …ext.802 in turn."""
    marks = vocabulary(["-", "转", " ext.", "#"])
    turn = np.arange(len(old))
    return np.asarray(old + marks[turn % 4] + numbers(800 + turn % 180, 3))


def wrong_check_digit(old: Objects) -> Objects:
    """The same code with its last character replaced by the next one of the alphabet."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    return vocabulary([code[:-1] + alphabet[(alphabet.index(code[-1]) + 1) % 31] for code in old])


def in_the_future(old: Objects) -> Objects:
    """The same date with the year's last digits swapped: 2025-… typed as 2052-…"""
    return vocabulary(
        [("20" + value[3] + "2" if "2022" < value[:4] < "2027" else "2062") + value[4:] for value in old]
    )


def transposed_digits(old: Objects) -> Objects:
    """The number with its last digits changed: another number than in the other system."""
    return vocabulary([value[:-3] + value[-1] + value[-3] + str((int(value[-2]) + 1) % 10) for value in old])
