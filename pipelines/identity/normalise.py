"""Numbers, addresses and codes as one writes them once: SQL macros for DuckDB.

Comes in: text as people typed it (full-width digits, +86, `.0` from spreadsheets, extensions, invented
numbers, wrong check digits). Goes out: TEMP macros on the connection that give the one canonical form, or
NULL where the value identifies nobody. Everything is set-based SQL; Python only writes the patterns, from
`lexicon.yml`. Names are the business of `names.py`.
"""

from __future__ import annotations

import duckdb

from pipelines.identity.lexicon import lexicon, quoted, text_list

__all__ = ["install_macros", "lexicon", "quoted", "text_list"]

_FULL_WIDTH = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "　【】〔〕［］"
_HALF_WIDTH = "".join(chr(code) for code in range(0x21, 0x7F)) + " ()()()"
# GB 32100-2015: the 31 characters of the unified social credit code and the weights of its first 17 places.
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = [pow(3, place, 31) for place in range(17)]


def _credit_sum() -> str:
    places = enumerate(_CREDIT_WEIGHTS, start=1)
    return " + ".join(
        f"{weight} * (instr({quoted(_CREDIT_ALPHABET)}, code[{place}]) - 1)" for place, weight in places
    )


# Most values are canonical already: each macro asks that first, because the long way costs far more.
_MACROS = {
    "half_width(raw)": f"translate(raw, {quoted(_FULL_WIDTH)}, {quoted(_HALF_WIDTH)})",
    # 13800000000 and the like: one digit seven times in a row at the end.
    "is_invented(digits)": "regexp_matches(digits, '(?:0{7}|1{7}|2{7}|3{7}|4{7}|5{7}|6{7}|7{7}|8{7}|9{7})$')",
    # Digits, hyphens and a leading +; what follows an extension mark is cut off.
    "phone_text(raw)": r"""
        regexp_replace(
            lower(half_width(raw)),
            '(?:转|轉|分机|ext|x|#).*$|\.0+$|[^0-9+-]', '', 'g')""",
    "mobile_of(text)": r"regexp_extract(replace(text, '-', ''), '^(?:\+|00)?(?:86)?0?(1[3-9][0-9]{9})$', 1)",
    # Area code (010, 02x, 0310–0999), subscriber number, perhaps an extension; after +86 the 0 may miss.
    "landline_of(text)": r"""
        regexp_replace(
            regexp_replace(text, '^(?:\+|00)86-*0?([1-9])', '0\1'),
            '^(010|02[0-9]|0[3-9][0-9]{2})-?([2-9][0-9]{6,7})(?:-[0-9]{1,6})?$', '=\1-\2')""",
    "international_of(text)": r"""
        regexp_replace(
            replace(text, '-', ''), '^(?:\+|00)([1-79][0-9]{7,14}|8[0-57-9][0-9]{6,13})$', '=+\1')""",
    "number_of_text(text)": """
        case when mobile_of(text) <> '' then mobile_of(text)
            when landline_of(text)[1] = '=' then landline_of(text)[2:]
            when international_of(text)[1] = '=' then international_of(text)[2:]
        end""",
    # Several numbers in one field: the first that identifies somebody.
    "phone_parsed(raw)": r"""
        list_filter(
            list_transform(
                list_transform(string_split_regex(raw, '[/;,，；、|]'), lambda part: phone_text(part)),
                lambda text: number_of_text(text)),
            lambda number: number is not null and not is_invented(number))[1]""",
    "phone_number(raw)": """
        case when raw is null or length(raw) < 7 then null
            when regexp_matches(raw, '^(?:1[3-9][0-9]{9}|0[3-9][0-9]{2}-[2-9][0-9]{6,7})$')
            then case when not is_invented(raw) then raw end
            else phone_parsed(raw)
        end""",
    "is_mobile(number)": "regexp_matches(number, '^1[3-9][0-9]{9}$')",
    "is_address(text)": r"""
        regexp_matches(
            text, '^[a-z0-9._%+''&-]+@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*\.[a-z]{2,}$')""",
    "address_text(raw)": r"regexp_replace(lower(half_width(raw)), '^mailto:|\s', '', 'g')",
    "known_address(text)": f"""
        case when is_address(text)
            and not list_contains({text_list(lexicon()["placeholder_mailboxes"])}, split_part(text, '@', 1))
        then text end""",
    "email_address(raw)": """
        case when is_address(raw) then known_address(raw)
            when contains(raw, '@') or contains(raw, '＠') then known_address(address_text(raw))
        end""",
    "code_text(raw)": r"upper(regexp_replace(half_width(raw), '[\s-]|\.0+$', '', 'g'))",
    "is_credit_code(code)": f"regexp_matches(code, '^[{_CREDIT_ALPHABET}]{{18}}$')",
    "credit_checked(code)": f"""
        case when is_credit_code(code)
            and (31 - ({_credit_sum()}) % 31) % 31 = instr({quoted(_CREDIT_ALPHABET)}, code[18]) - 1
        then code end""",
    "credit_code(raw)": """
        case when is_credit_code(raw) then credit_checked(raw)
            when length(raw) > 17 then credit_checked(code_text(raw))
        end""",
    # Before 2015: six digits of the tax region, then the organisation code; today's code repeats both.
    "tax_number(raw)": """
        case when length(raw) between 15 and 17
            and regexp_matches(code_text(raw), '^[1-9][0-9]{5}[0-9A-Z]{8}[0-9X]$')
            and not is_invented(code_text(raw))
        then code_text(raw) end""",
}


def install_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Create the TEMP macros `phone_number`, `is_mobile`, `email_address`, `credit_code`, `tax_number`,
    `half_width` and their helpers on the connection. All take and give VARCHAR; NULL means no identifier.

    A mobile is 11 digits, a landline `area-number`, any other country's number `+` and digits. Numbers
    that begin with 400 or 800 are hot lines of many and identify nobody.
    """
    for signature, body in _MACROS.items():
        con.execute(f"create or replace temp macro {signature} as ({body})")
