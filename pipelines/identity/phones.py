"""Telephone numbers: one canonical form for each that belongs to somebody, as SQL macros.

Comes in: what people typed for a number. Goes out: the macros' signatures and bodies, for
`normalise.install_macros`. A mobile is 11 digits, a landline `area-number`, any other country's number `+`
and digits, or, where nobody wrote which country, the digits as they are; extensions fall away. Hot lines
(400, 800, 95xxx) are of many, invented numbers of nobody: NULL.
"""

from __future__ import annotations

MOBILE = "^1[3-9][0-9]{9}$"
"""What a canonical mobile number looks like."""

# Most values are canonical already: `phone_number` asks that first, because the long way costs far more.
PHONE_MACROS = {
    # 13800000000 and the like: one digit seven times in a row at the end, or all digits in their order.
    "is_invented(digits)": """
        regexp_matches(digits,
            '(?:0{7}|1{7}|2{7}|3{7}|4{7}|5{7}|6{7}|7{7}|8{7}|9{7}|123456789)$'
            '|^1[3-9][0-9](?:23456789|87654321|98765432)$')""",
    # Digits, hyphens and a leading +; what follows an extension mark is cut off.
    "phone_text(raw)": r"""
        regexp_replace(
            regexp_replace(
                lower(half_width(raw)), '([0-9)])\s*(?:转|轉|分机|分機|ext|x|#).*$|\.0+\s*$', '\1'),
            '[^0-9+-]', '', 'g')""",
    "mobile_of(text)": r"""
        replace(regexp_extract(
            text, '^(?:\+|00)?(?:86)?-*0?(1-*[3-9](?:-*[0-9]){9})(?:-[0-9]{1,5})?-*$', 1), '-', '')""",
    # Area code (010, 02x, 0310–0999), subscriber number, perhaps an extension; after 86 the 0 may miss.
    "landline_of(text)": r"""
        regexp_replace(
            regexp_replace(text, '^(?:(?:\+|00)86-*|86-+)0?([1-9])|^860([1-9])', '0\1\2'),
            '^(010|02[0-9]|0[3-9][0-9]{2})-*([2-9][0-9]{2,3}-?[0-9]{4})(?:-+[0-9]{1,6})?-*$', '=\1-\2')""",
    "international_of(text)": r"""
        regexp_replace(
            replace(text, '-', ''), '^(?:\+|00)([1-79][0-9]{7,14}|8[0-57-9][0-9]{6,13})$', '=+\1')""",
    "number_of_text(text)": """
        case when mobile_of(text) <> '' then mobile_of(text)
            when landline_of(text)[1] = '='
            then regexp_replace(landline_of(text)[2:], '-([0-9]+)-([0-9]+)$', '-\\1\\2')
            when international_of(text)[1] = '=' then international_of(text)[2:]
        end""",
    # A number between words and other numbers, or as a spreadsheet wrote it: 1.3912345678E+10.
    "number_within(text)": r"""
        case when regexp_matches(text, '^1\.[0-9]{9,10}e\+?10$')
            then number_of_text(rpad('1' || regexp_extract(text, '\.([0-9]+)', 1), 11, '0'))
            else number_of_text(regexp_extract(
                text, '(?:^|[^0-9])(1[3-9][0-9]{9}|0[1-9][0-9]{1,2}-[2-9][0-9]{6,7})(?:[^0-9]|$)', 1))
        end""",
    # Hot lines, service numbers and emergency calls: of many, or of no customer.
    "is_shared_number(raw)": r"""
        coalesce(regexp_matches(
            regexp_replace(replace(phone_text(raw), '-', ''), '^(?:\+|00)86', ''),
            '^(?:0?[48]00[0-9]{7}|0?(?:[1-9][0-9]{1,2})?9[56][0-9]{3,4}|9[56][0-9]{3,6}|1010[0-9]{4}|100[0-9]{2,3}|1(?:10|14|19|20|22)|12[13][0-9]{2,3})$'
            ), false)""",
    # Another country's number without its code. Not a Chinese one with an extension that lacks the area code.
    "foreign_digits(part)": r"""
        case when regexp_matches(part, '^[0-9\s().+-]+(?:(?:转|轉|分机|分機|ext|x|#).*)?$')
                and not is_shared_number(part)
            then regexp_extract(
                case when regexp_matches(phone_text(part), '^[2-9][0-9]{6,7}-[0-9]{1,5}$') then ''
                    else replace(phone_text(part), '-', '') end, '^[0-9]{10,12}$') end""",
    "foreign_number(part)": r"""
        case when not regexp_matches(
            foreign_digits(part), '^$|^(?:86)?0?[48]00|^00|1234567890|0123456789|9876543210')
        then coalesce(number_of_text(foreign_digits(part)), foreign_digits(part)) end""",
    # Several numbers in one field: the first that identifies somebody.
    "phone_parsed(raw)": r"""
        list_filter(
            list_transform(
                string_split_regex(raw, '[/;,，；、|\n]'),
                lambda part: coalesce(
                    number_of_text(phone_text(part)), number_within(lower(half_width(part))),
                    foreign_number(lower(half_width(part))))),
            lambda number: number is not null and not is_invented(number))[1]""",
    "phone_number(raw)": """
        case when raw is null or length(raw) < 7 then null
            when regexp_matches(raw, '^(?:1[3-9][0-9]{9}|0[3-9][0-9]{2}-[2-9][0-9]{6,7})$')
            then case when not is_invented(raw) then raw end
            else phone_parsed(raw)
        end""",
    "is_mobile(number)": f"regexp_matches(number, '{MOBILE}')",
}
