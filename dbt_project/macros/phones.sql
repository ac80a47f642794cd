{#- A telephone number's digits alone: without blanks, extension, the `.0` of a spreadsheet and the country code.
    For comparing numbers only; identity has the full rules. -#}
{%- macro phone_digits(phone) -%} {{ return(adapter.dispatch('phone_digits')(phone)) }} {%- endmacro -%}

{%- macro duckdb__phone_digits(phone) -%}
    nullif(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    {{ half_width(phone) }},
                    '(?:(\d{7,})-\d{1,4}|\.0+|\s*(?:转|轉|分机|分機|#|x|ext)\D*\d+)\s*$', '\1', 'i'
                ),
                '\D', '', 'g'
            ),
            '^(?:00)?86(1\d{10})$', '\1'
        ),
        ''
    )
{%- endmacro -%}
