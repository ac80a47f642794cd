"""Where people find what the gates found: the Data Docs and the fix lists.

Comes in: the settings. Goes out: paths. Apart from what writes them, so that who only names the places
doesn't wait for pandas and openpyxl.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.settings import Settings


def data_docs(settings: Settings) -> Path:
    """The folder of the Data Docs; their front page is index.html."""
    return settings.home / "quality" / "data_docs"


def data_docs_page(settings: Settings) -> Path | None:
    """The Data Docs' front page, or None where they haven't been built."""
    page = data_docs(settings) / "index.html"
    return page if page.exists() else None


def fix_lists(settings: Settings) -> Path:
    """The folder of the fix lists, unless another was asked for."""
    return settings.home / "quality" / "fix_lists"
