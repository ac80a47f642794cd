"""Numbers, addresses and codes as one writes them once: SQL macros for DuckDB.

Comes in: text as people typed it (full-width digits, +86, `.0` from spreadsheets, extensions, invented
numbers, wrong check digits). Goes out: TEMP macros on the connection that give the one canonical form, or
NULL where the value identifies nobody. Everything is set-based SQL; Python only writes the patterns, from
`lexicon.yml`. Names are the business of `names.py`.
"""

from __future__ import annotations

from functools import cache

import duckdb

from pipelines.identity.addresses import address_macros
from pipelines.identity.lexicon import any_of, lexicon, quoted, text_list
from pipelines.identity.phones import PHONE_MACROS

__all__ = ["install_macros", "lexicon", "quoted", "text_list"]

_FULL_WIDTH = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "　【】〔〕［］"
_HALF_WIDTH = "".join(chr(code) for code in range(0x21, 0x7F)) + " ()()()"
# GB 32100-2015: the 31 characters of the unified social credit code and the weights of its first 17 places.
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_DAY = "(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_CREDIT_WEIGHTS = [pow(3, place, 31) for place in range(17)]


def _credit_sum() -> str:
    places = enumerate(_CREDIT_WEIGHTS, start=1)
    return " + ".join(
        f"{weight} * (instr({quoted(_CREDIT_ALPHABET)}, code[{place}]) - 1)" for place, weight in places
    )


def _personal_sum() -> str:
    return " + ".join(
        f"{pow(2, 18 - place, 11)} * try_cast(code[{place}] as integer)" for place in range(1, 18)
    )


# Most values are canonical already: each macro asks that first, because the long way costs far more.
_TEXT_MACROS = {
    "half_width(raw)": f"""
        case when regexp_matches(raw, '[！-～　【】〔〕]')
            then translate(raw, {quoted(_FULL_WIDTH)}, {quoted(_HALF_WIDTH)}) else raw end""",
    "is_address(text)": r"""
        regexp_matches(
            text, '^[a-z0-9._%+''&-]+@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*\.[a-z]{2,}$')""",
    "address_text(raw)": r"""
        regexp_replace(lower(half_width(replace(raw, '。', '.'))), '^mailto:|\s|[.,;]+$', '', 'g')""",
    # In front of other words or of other addresses, or between < and >.
    "address_within(raw)": r"""
        regexp_extract(
            lower(half_width(replace(raw, '。', '.'))), '[a-z0-9._%+''&-]+@[a-z0-9.-]*[a-z0-9]')""",
    "known_address(text)": f"""
        case when is_address(text)
            and not list_contains({text_list(lexicon()["placeholder_mailboxes"])}, split_part(text, '@', 1))
            and replace(split_part(text, '@', 1), text[1], '') <> ''
        then text end""",
    "email_address(raw)": """
        case when is_address(raw) then known_address(raw)
            when is_address(lower(raw)) then known_address(lower(raw))
            when contains(raw, '@') or contains(raw, '＠')
            then case when is_address(address_text(raw)) then known_address(address_text(raw))
                else known_address(address_within(raw)) end
        end""",
    "mail_domain(address)": "nullif(split_part(email_address(address), '@', 2), '')",
    "is_free_domain(domain)": f"""
        list_contains({text_list(lexicon()["free_mail_domains"])}, domain)
            or regexp_matches(domain, '^(?:{any_of(lexicon()["free_mail_families"])})[.][a-z.]+$')""",
    "is_free_mail(address)": "is_free_domain(mail_domain(address))",
}

_CODE_MACROS = {
    "code_text(raw)": r"""
        upper(regexp_replace(half_width(raw), '\(.*$|[\s''"“”‘’:·-]|[一-鿿]|\.0+$', '', 'g'))""",
    "is_credit_code(code)": f"""
        regexp_matches(code, '^[{_CREDIT_ALPHABET}]{{18}}$') and replace(code, code[1], '') <> ''""",
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
    # GB 11643-1999: region, day of birth, order, check character over the weights 2^(18 − place) mod 11.
    "personal_checked(code)": f"""
        case when regexp_matches(code, '^[1-9][0-9]{{5}}{_DAY}[0-9]{{3}}[0-9X]$')
            and '10X98765432'[({_personal_sum()}) % 11 + 1] = code[18]
        then code end""",
    "personal_id(raw)": "case when length(raw) > 17 then personal_checked(code_text(raw)) end",
}

_WECHAT_MACROS = {
    "wechat_text(raw)": r"""
        regexp_replace(
            regexp_replace(lower(half_width(raw)), '\s', '', 'g'),
            '^(?:微信号?|薇信|威信|v信)(?:id)?[:=]?|^(?:weixin|wechat|wx|vx)(?:id|号)?[:=]', '')""",
    # An id has 6 to 20 characters and begins with a letter.
    "wechat_known(text)": f"""
        case when regexp_matches(text, '^wxid_[0-9a-z]{{6,20}}$') then text
            when is_mobile(phone_number(text)) and not regexp_matches(text, '[a-z一-鿿]')
            then phone_number(text)
            when regexp_matches(text, '^[a-z][a-z0-9_-]{{5,19}}$')
                and not list_contains({text_list(lexicon()["placeholder_wechat_ids"])}, text)
                and not regexp_matches(text, '^(?:test|ceshi|demo)[0-9_-]*$')
                and replace(text, text[1], '') <> ''
            then text
        end""",
    "wechat_id(raw)": "wechat_known(wechat_text(raw))",
}


@cache
def macros() -> dict[str, str]:
    """Signature → body of all macros, each after those that it calls."""
    return _TEXT_MACROS | PHONE_MACROS | _CODE_MACROS | _WECHAT_MACROS | address_macros()


def install_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Create the TEMP macros on the connection; all of them take VARCHAR.

    `phone_number`, `email_address`, `mail_domain`, `credit_code`, `tax_number`, `personal_id` and `wechat_id`
    give the canonical VARCHAR, `address_parts` a STRUCT(province, city, district, rest); NULL where the value
    identifies nobody. `is_mobile`, `is_shared_number` (hot lines of many) and `is_free_mail` give BOOLEAN,
    `half_width` the same text in ASCII's width.

    A mobile is 11 digits, a landline `area-number`, any other country's number `+` and digits. Numbers
    that begin with 400 or 800 are hot lines of many and identify nobody.
    """
    for signature, body in macros().items():
        con.execute(f"create or replace temp macro {signature} as ({body})")
