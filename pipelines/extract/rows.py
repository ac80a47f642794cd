"""Which lines of a list made by people are rows of data.

Comes in: the columns of a block, as text. Goes out: the same without blank lines, totals (which would count
money twice) and the header once more (exports put behind one another), and with merged cells filled down.
Everything is done on whole columns; only lines that look odd are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import GuikeError
from pipelines.extract.headers import fold
from pipelines.extract.specs import TableSpec
from pipelines.i18n import t

_ROUNDED = r"^[0-9]\.[0-9]+E\+1[0-9]$"
_ROUNDED_SHARE = 0.1


class RowFilter:
    """Keeps the rows of one file or sheet; `left_out` counts what it has dropped so far."""

    def __init__(self, table: TableSpec, header: Sequence[str], picks: Sequence[int | str], where: str):
        self._header, self._where = list(header), where
        self._picks = [pick for pick in picks if isinstance(pick, int)]
        by_name = dict(zip((column.name for column in table.columns), picks, strict=True))
        self._fills = [pick for name in table.fill_down if isinstance(pick := by_name[name], int)]
        self._above: dict[int, str | None] = {}
        self._words = {fold(word) for word in table.skip_totals}
        self.left_out = 0

    def keep(self, columns: list[pa.Array], *, may_be_rounded: bool = True) -> list[pa.Array]:
        """The rows of data of one block.

        Raises:
            GuikeError: a spreadsheet has rounded long numbers before they were exported.
        """
        first = _first_filled(columns)
        drop = pc.equal(first, "")
        if self._words:
            drop = pc.or_(drop, self._totals(first))
        drop = pc.or_(drop, self._headers(columns))
        dropped = int(pc.sum(drop).as_py() or 0)
        if dropped:
            self.left_out += dropped
            keep = pc.invert(drop)
            columns = [column.filter(keep) for column in columns]
        for pick in self._fills:
            columns[pick] = self._filled(pick, columns[pick])
        if may_be_rounded:
            self._refuse_rounded(columns)
        return columns

    def _totals(self, first: pa.Array) -> pa.Array:
        """Totals are few and short words: the distinct first cells are folded, not all of them."""
        short = pc.less_equal(pc.utf8_length(first), max(len(word) for word in self._words) + 6)
        words = pc.unique(first.filter(short)).to_pylist()
        totals = [word for word in words if fold(word).rstrip(":") in self._words]
        return pc.is_in(first, pa.array(totals, pa.string()))

    def _headers(self, columns: Sequence[pa.Array]) -> pa.Array:
        """The header once more: every column of the table holds its own name."""
        same = None
        for pick in self._picks:
            equal = pc.fill_null(pc.equal(columns[pick], self._header[pick]), False)
            same = equal if same is None else pc.and_(same, equal)
            if not pc.any(same).as_py():
                break
        return pa.repeat(False, len(columns[0])) if same is None else same

    def _filled(self, pick: int, column: pa.Array) -> pa.Array:
        """Empty cells take the last value above them, across blocks."""
        column = pc.if_else(_is_blank(column), None, column)
        column = pc.fill_null(pc.fill_null_forward(column), self._above.get(pick) or "")
        if len(column):
            self._above[pick] = column[-1].as_py()
        return pc.if_else(pc.equal(column, ""), None, column)

    def _refuse_rounded(self, columns: Sequence[pa.Array]) -> None:
        """1.38123E+10 was a phone: its digits are gone for good, in most rows of the column."""
        for pick in self._picks:
            column = columns[pick]
            likely = pc.match_substring(column, "E+1")
            if not pc.any(likely).as_py():
                continue
            rounded = pc.fill_null(pc.match_substring_regex(column, _ROUNDED), False)
            count, filled = pc.sum(rounded).as_py() or 0, pc.sum(pc.not_equal(column, "")).as_py() or 0
            if count and count >= _ROUNDED_SHARE * filled:
                raise GuikeError(
                    t("{where}: the column {column} holds numbers such as {example}, whose last digits a "
                      "spreadsheet has rounded away.", where=self._where, column=self._header[pick],
                      example=column.filter(rounded)[0].as_py()),
                    t("Format the column as text or as a number without decimals where it comes from, and "
                      "export it again; the digits can't be got back from this file."),
                )  # fmt: skip


def _is_blank(column: pa.Array) -> pa.Array:
    """Whether each cell is nothing, or nothing but white space."""
    blank = pc.or_(pc.equal(pc.binary_length(column), 0), pc.utf8_is_space(column))
    return pc.fill_null(blank, True)


def _first_filled(columns: Sequence[pa.Array]) -> pa.Array:
    """Each row's first cell that isn't blank; "" where all are."""
    is_blank = _is_blank(columns[0])
    blank = np.flatnonzero(is_blank.to_numpy(zero_copy_only=False))
    if not len(blank):
        return columns[0]
    found = [""] * len(blank)
    open_at = np.arange(len(blank))
    for column in columns[1:]:
        cells = column.take(pa.array(blank[open_at])).to_pylist()
        for at, cell in zip(open_at, cells, strict=True):
            if cell and not cell.isspace():
                found[at] = cell
        open_at = np.array([at for at in open_at if not found[at]], dtype=np.int64)
        if not len(open_at):
            break
    return pc.replace_with_mask(columns[0], is_blank, pa.array(found, pa.string()))
