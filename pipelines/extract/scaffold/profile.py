"""What a column's values look like, whatever it is called.

Comes in: the sampled text of a column. Goes out: for each kind of value the share of the filled cells
that are one, and the spelling of dates that the usual cast would not understand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Literal

from pipelines.extract.scaffold.words import dictionary

DateForm = Literal["usual", "epoch_seconds", "epoch_milliseconds", "day_first", "month_first"]

_MOBILE = re.compile(r"(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?:\.0)?")
_PHONE = re.compile(r"[+(]?[\d][\d\s().\-/+]{5,20}(?:\s*(?:x|ext\.?|转|#)\s*\d{1,6})?", re.I)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_NUMBER = re.compile(
    r"[￥¥$€£]?\s*[-+]?(?:\d{1,3}(?:[,，]\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]\d+)?\s*(?:%|元|万元|万|件|个)?"
)
_ISO = re.compile(r"(?:19|20|21)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:[T\s].*)?")
_COMPACT = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_SERIAL = re.compile(r"[2-5]\d{4}(?:\.\d+)?")
_SLASHED = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-]((?:19|20)\d\d)(?:\s.*)?")
_EMPTY_DATE = re.compile(r"0000-00-00.*|0+|1900-01-01.*")
_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_COMPANY = re.compile(
    r"公司|集团|厂$|店$|商行|中心|学校|医院|酒店|工作室|经营部|事务所|\b(?:inc|ltd|llc|gmbh|corp|co|company|group|plc|s\.?a)\b",
    re.I,
)
_CHINESE_PERSON = re.compile(r"[一-鿿·]{2,4}")


@dataclass(frozen=True)
class Profile:
    """Shares of the filled values, from 0 to 1.

    Attributes:
        filled: the share of all sampled rows that hold something.
        distinct: how many different values there are.
        date_form: how most of the dates are written.
    """

    filled: float
    distinct: int
    count: int
    number: float
    date: float
    mobile: float
    phone: float
    email: float
    credit_code: float
    company: float
    flag: float
    length: float
    largest: float
    commonest: float
    is_all_zero: bool
    date_form: DateForm

    @property
    def is_small_set(self) -> bool:
        """A handful of values that come again: a status, a type."""
        return self.distinct <= 20 and (self.count < 12 or self.distinct * 2 <= self.count)


def is_credit_code(text: str) -> bool:
    """Whether `text` is a unified social credit code with a right check digit (GB 32100-2015)."""
    text = text.strip().upper()
    if len(text) != 18 or any(letter not in _CREDIT for letter in text):
        return False
    total = sum(_CREDIT.index(letter) * weight for letter, weight in zip(text, _CREDIT_WEIGHTS, strict=False))
    return _CREDIT[(31 - total % 31) % 31] == text[17]


def number(text: str) -> float | None:
    """The number in `text`, or None; currency signs and thousands commas don't matter."""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    try:
        return float(re.sub(r"[￥¥$€£,，\s%元万件个]", "", text))
    except ValueError:
        return None


@cache
def profile(values: tuple[str | None, ...]) -> Profile:
    """Look at `values`, blank ones counting as missing."""
    texts = [value.strip() for value in values if value and value.strip()]
    numbers = [found for text in texts if (found := number(text)) is not None]
    counted = Counter(numbers)
    form, dates = _dates(texts)

    def share(test: Callable[[str], object]) -> float:
        return sum(1 for text in texts if test(text)) / len(texts) if texts else 0.0

    flags = {word for known in dictionary()["flags"].values() for words in known.values() for word in words}
    return Profile(
        filled=len(texts) / len(values) if values else 0.0,
        distinct=len(set(texts)),
        count=len(texts),
        number=len(numbers) / len(texts) if texts else 0.0,
        date=dates,
        mobile=share(_MOBILE.fullmatch),
        phone=share(lambda text: _PHONE.fullmatch(text) and 7 <= sum(map(str.isdigit, text)) <= 16),
        email=share(_EMAIL.fullmatch),
        credit_code=share(is_credit_code),
        company=share(_COMPANY.search),
        flag=share(lambda text: text.lower() in flags),
        length=sum(map(len, texts)) / len(texts) if texts else 0.0,
        largest=max(numbers, default=0.0),
        commonest=counted.most_common(1)[0][0] if counted else 0.0,
        is_all_zero=bool(numbers) and not any(numbers),
        date_form=form,
    )


def _dates(texts: Sequence[str]) -> tuple[DateForm, float]:
    """The commonest spelling of dates, and the share of `texts` that are dates in any; empty ones aside."""
    filled = [text for text in texts if not _EMPTY_DATE.fullmatch(text)]
    if not filled:
        return "usual", 0.0
    forms = Counter(form for text in filled if (form := _date_form(text)))
    if not forms:
        return "usual", 0.0
    form = forms.most_common(1)[0][0]
    if form in ("day_first", "month_first"):
        # 03/04/2024 may be either: a day above 12 anywhere decides.
        form = "day_first" if forms["day_first"] else "month_first"
    return form, sum(forms.values()) / len(filled)


def _date_form(text: str) -> DateForm | None:
    if _ISO.fullmatch(text) or _COMPACT.fullmatch(text) or _SERIAL.fullmatch(text):
        return "usual"
    if match := _SLASHED.fullmatch(text):
        one, two = int(match[1]), int(match[2])
        if one > 31 or two > 31 or (one > 12 and two > 12):
            return None
        return "day_first" if one > 12 else "month_first"
    if text.isdigit() and len(text) in (10, 13):
        seconds = int(text[:10])
        if date(2030, 1, 1) > datetime.fromtimestamp(seconds).date() > date(1995, 1, 1):
            return "epoch_seconds" if len(text) == 10 else "epoch_milliseconds"
    return None
