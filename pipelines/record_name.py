"""How people name one row of a legacy system: `system.source_table.source_id`."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.errors import GuikeError
from pipelines.i18n import t


@dataclass(frozen=True, order=True)
class RecordName:
    """One row of a legacy system; the id may itself hold dots."""

    system: str
    source_table: str
    source_id: str

    @classmethod
    def parse(cls, text: str) -> RecordName:
        """Read a name.

        Raises:
            GuikeError: it has not three parts.
        """
        parts = text.split(".", 2)
        if len(parts) != 3 or not all(parts) or any(character in text for character in "\r\n\0"):
            raise GuikeError(
                t("'{text}' names no record.", text=text),
                t("Write it as system.source_table.source_id, for example crm.customers.17."),
            )
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.system}.{self.source_table}.{self.source_id}"
