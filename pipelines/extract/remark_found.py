"""The parts of a remark, and what one piece of it says: a kind, a value, and how sure that is."""

from __future__ import annotations

from typing import NamedTuple

PARTS = ("person", "honorific", "company", "project", "phone", "region")
COLUMNS = tuple(f"remark_{part}" for part in (*PARTS, "confidence"))


class Found(NamedTuple):
    """One thing found.

    Attributes:
        kind: person, honorific, company, project, region; plain where the rest of the remark decides.
        value: what is meant.
        confidence: from 0 to 1.
        written: the text that it was found in; for plain also the place before it.
        title: a person's form of address, or nothing.
    """

    kind: str
    value: str
    confidence: float
    written: str = ""
    title: str = ""


def person(name: str, title: str, confidence: float, written: str = "") -> Found:
    """A person with his form of address."""
    return Found("person", name, confidence, written or name + title, title)
