"""English and Chinese for every sentence that Guike prints.

The English sentence, with `{placeholders}`, is the key; `locale/zh.yml` holds the Chinese one. A test
collects every literal passed to `t` in the code and fails where the Chinese is missing.
"""

from __future__ import annotations

import locale
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

Language = Literal["en", "zh"]
_CATALOGUE = Path(__file__).parent / "locale" / "zh.yml"
_language: Language | None = None


def set_language(language: Language | None) -> None:
    """Fix the language for this process; None goes back to the locale's."""
    global _language
    _language = language


def language() -> Language:
    """The language in force: the one set, else Chinese where the locale is Chinese, else English."""
    return _language or _from_locale()


@cache
def _from_locale() -> Language:
    try:
        code = locale.setlocale(locale.LC_CTYPE, "") or ""
    except locale.Error:
        code = ""
    return "zh" if code.lower().startswith("zh") else "en"


@cache
def catalogue() -> dict[str, str]:
    """All translations: English sentence -> Chinese sentence."""
    return dict(yaml.safe_load(_CATALOGUE.read_text(encoding="utf-8")) or {})


def t(sentence: str, **values: object) -> str:
    """`sentence` in the language in force, with `{name}` placeholders filled from `values`."""
    if language() == "zh":
        sentence = catalogue().get(sentence, sentence)
    return sentence.format(**values) if values else sentence
