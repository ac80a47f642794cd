"""A remark before its words are read: one way of writing, numbers taken out, notes to oneself blanked.

Comes in: the text of a remark. Goes out: simplified, half-width text in which nothing is left but words and
what separates them, and the telephone numbers that stood in it. Dates, amounts, addresses of the net, ids of
other networks and who recommended whom are no part of a contact.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from opencc import OpenCC

from pipelines.extract.remark_words import BLANK, CLOSED, COMMA, HAN, OPENED, any_of, place, titles, words_of

_PLAIN = re.compile(r"[ -~一-鿿]*")
_CJK = "".join(map(chr, range(0x3400, 0xA000)))

_ADDRESSES = re.compile(
    r"(?:(?:邮箱|邮件|e-?mail|mail|网址|网站|官网|主页|公众号|抖音号?|小红书号?)[::]?\s*)?(?:[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:https?://|www\.)[\w./?=&%#-]+)"
    r"|(?:QQ|扣扣)号?[::]?\s*\d{5,12}|(?:wx|vx|wechat|微信)号?[::]\s*[A-Za-z][\w-]{4,19}"
    r"|(?<![A-Za-z0-9_])(?=\w*[_\d])(?=\w*[A-Za-z]{3})[A-Za-z]\w*_\w+(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_EXTENSION = r"(?:\s*(?:转|分机|ext\.?|x|#|\*|-)\s*(?P<{0}>\d{{1,5}}))?(?!\d)"
_PHONES = re.compile(
    r"(?<!\d)(?:"
    r"(?:(?:\+|00)?86[- ]?)?(?P<mobile>1[3-9]\d[- ]?\d{4}[- ]?\d{4})(?:\.0+)?(?!\d)"
    r"|(?:\+|00)(?P<country>(?!86)\d{1,3})[- ]?(?P<abroad>\(?\d{1,4}\)?(?:[- ]?\d{3,4}){1,3})(?!\d)"
    r"|(?P<service>[48]00[- ]?\d{3}[- ]?\d{4})(?!\d)"
    r"|\(?(?P<area>010|02\d|0[3-9]\d\d)\)?[- ]?(?P<number>[2-8]\d{2,3}[- ]?\d{4})" + _EXTENSION.format("ext")
    + r"|(?P<local>(?!20[0-3]\d[01]\d[0-3]\d)[2-8]\d{6,7})" + _EXTENSION.format("local_ext") + ")",
    re.IGNORECASE | re.ASCII,
)  # fmt: skip

_DATE = (
    r"(?:(?:19|20)\d\d\s?[年./-])?\s?\d{1,2}(?:月\d{1,2}[日号]?|[./-]\d{1,2}(?!\d))"
    r"|(?:19|20)\d\d[./-]\d{1,2}(?!\d)|(?:19|20)\d\d(?:年(?!会)|(?=年会))|(?:19|20)\d{6}|\d{1,2}月份?|\d{1,2}:\d\d"
)
_AMOUNT = (
    r"[¥$]\s?\d[\d,.]*[万kKwW]?元?"
    r"|\d[\d,.]*\s?(?:万元?|千元?|元|块钱?|k|w|本|个|张|分钟|秒|小时|层|套|份|册|人|平米|平方|平|楼|台|次|期|天|年|岁|折|%|㎡)(?![A-Za-z一-鿿]*(?:公司|厂))"
)
_CLASS = rf"(?:[一二三四五六七八九初高大小]+|\d)\s?(?:\(\d+\)|年级)\s?班?|{HAN}?\(\d+\)班"
_MARKS = re.compile(
    rf"(?<!\d)(?:{_DATE})|(?<![A-Za-z\d-])(?:{_AMOUNT})|{_CLASS}|定金\d+|尾款\d+", re.ASCII | re.IGNORECASE
)
_SORTING = re.compile(r"^\s*(?:[Aa]{1,5}\d{0,3}(?![A-Za-z])|0\d{0,3}(?!\d)|\d{1,4}(?=[-_.、\s]))[-_.、\s]*")
_SEPARATORS = re.compile(
    r"[\s\-—–―_/\\|¦,，、;；:：+#@&*~·•。!！?？【】\[\]<>《》〈〉「」『』“”\"‘’`()=^%$→…丨]+"
)
_OTHERS = re.compile("介绍|荐|的|来|加|认识|看到|引流|助理|秘书|司机")
_LATIN_BLANK = re.compile(r"(?<=[A-Za-z.]) (?=[A-Za-z])")
_CO_LTD = re.compile(r"\b(co)\.?(,?) ?(ltd\b\.?)", re.IGNORECASE)
_STRAY_DOT = re.compile(rf"(?<![A-Za-z])\.|\.(?![A-Za-z\s,{BLANK}{COMMA}]|$)")


@cache
def _simplifying() -> dict[int, str]:
    """Traditional characters one by one, so that texts keep their length."""
    simple = OpenCC("t2s").convert(_CJK)
    return {ord(old): new for old, new in zip(_CJK, simple, strict=True) if old != new}


def half_width(text: str) -> str:
    """Full-width signs as usual ones, traditional characters as simplified ones, symbols as blanks."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text).translate(_simplifying())
    return text if _PLAIN.fullmatch(text) else "".join(c if _is_text(c) else " " for c in text)


@cache
def _is_text(character: str) -> bool:
    return unicodedata.category(character) not in ("So", "Cs", "Co", "Cn", "Sk", "Cf", "Mn", "Me", "Cc")


@cache
def _said_by_others() -> re.Pattern[str]:
    """Who recommended the contact, and whose friend or assistant it is."""
    relation = any_of(words_of("relations"))
    return re.compile(
        rf"[^\s\-—_/\\|,，、;:+@#()\[\]]{{0,7}}(?:转介绍|介绍|推荐|引荐)(?:来的|过来的|的|来)?"
        rf"|[^\s\-—_/\\|,，、;:+@#()\[\]]{{1,6}}的{relation}"
        rf"|{HAN}{{1,3}}?{titles()}的?(?=助理|秘书|司机)"
        rf"|[开卖]{HAN}{{1,4}}的"
        rf"|{HAN}{{1,6}}?(?:上|里|中|会)?(?:找来的?|来的|加的|加我的?|认识的?|看到的?|引流的?)(?!{HAN}{{0,2}}公司)"
    )


@cache
def _bracketed_in_firm() -> re.Pattern[str]:
    """Brackets that belong to a firm's name: (无锡)有限公司, (集团)股份有限公司, 有限公司(无锡)分公司."""
    inside = f"(?:{place()}|集团|中国)"
    forms = any_of([*words_of("legal_forms"), "有限责任", "有限", "股份"])
    return re.compile(rf"(?<={HAN})\(({inside})\)(?={HAN}{{0,8}}{forms})")


def clean(text: str) -> tuple[list[str], list[str]]:
    """The pieces between separators, and the telephone numbers."""
    text = _ADDRESSES.sub(" | ", half_width(text).replace("＂", '"'))
    phones: list[str] = []

    def keep(match: re.Match[str]) -> str:
        phones.append(_phone(match))
        return " | "

    if any(c.isdigit() for c in text):
        text = _PHONES.sub(keep, text)
    text = _SORTING.sub("", text)
    text = _MARKS.sub(" ", text)
    if _OTHERS.search(text):
        text = _said_by_others().sub(" ", text)
    if "(" in text:
        text = _bracketed_in_firm().sub(rf"{OPENED}\1{CLOSED}", text)
    return _split(text), list(dict.fromkeys(phones))


def _split(text: str) -> list[str]:
    if not text.isascii() and not any("A" <= c <= "z" for c in text):
        return [piece for piece in _SEPARATORS.sub(" ", text.replace(".", " ")).split(" ") if piece]
    text = _CO_LTD.sub(lambda m: f"{m[1]}{'.' if '.' in m[0][:4] else ''}{_hidden(m[2])}{m[3]}", text)
    text = _LATIN_BLANK.sub(BLANK, text)
    pieces = _SEPARATORS.sub(" ", _STRAY_DOT.sub(" ", text)).split(" ")
    return [piece.replace(COMMA, ",") for piece in pieces if piece]


def _hidden(comma: str) -> str:
    return f"{COMMA}{BLANK}" if comma else ""


def _phone(match: re.Match[str]) -> str:
    """The number as one writes it once: 13812345678, 0510-81234567-803, 4008001122, +85261234567."""
    parts = {name: re.sub(r"\D", "", value) for name, value in match.groupdict().items() if value}
    if "mobile" in parts:
        return parts["mobile"]
    if "country" in parts:
        return f"+{parts['country']}{parts['abroad']}"
    if "service" in parts:
        return parts["service"]
    written = f"{parts['area']}-{parts['number']}" if "area" in parts else parts["local"]
    extension = parts.get("ext") or parts.get("local_ext")
    return f"{written}-{extension}" if extension else written
