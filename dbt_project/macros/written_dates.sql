{#- Dates that need to be known to be read: seconds since 1970, and days or months in front. `guike system add`
    finds out from a column's values which of these it holds. -#}

{#- Seconds or milliseconds since 1970 as a time in UTC; 0 and what is no number are null. -#}
{%- macro epoch_to_utc(text, unit) -%} {{ return(adapter.dispatch('epoch_to_utc')(text, unit)) }} {%- endmacro -%}

{%- macro duckdb__epoch_to_utc(text, unit) -%}
    make_timestamp(
        nullif(try_cast({{ text }} as bigint), 0) * {{ 1000 if unit == 'milliseconds' else 1000000 }}
    )
{%- endmacro -%}

{#- 31/12/2024 and 31.12.2024, with or without a time of day, as 2024-12-31. -#}
{%- macro day_first(text) -%} {{ return(adapter.dispatch('day_first')(text)) }} {%- endmacro -%}

{%- macro duckdb__day_first(text) -%}
    regexp_replace({{ text }}, '^\s*(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})', '\3-\2-\1')
{%- endmacro -%}

{#- 12/31/2024 as 2024-12-31. -#}
{%- macro month_first(text) -%} {{ return(adapter.dispatch('month_first')(text)) }} {%- endmacro -%}

{%- macro duckdb__month_first(text) -%}
    regexp_replace({{ text }}, '^\s*(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})', '\3-\1-\2')
{%- endmacro -%}
