{#- Dates and times out of text. Sources hold local times; `…_at` columns are in UTC, `…_on` are local days. -#}

{#- Text as a date: 2024-01-05, 2024/1/5, 2024.1.5, 20240105, 2024年1月5日, an Excel serial (45296), each with or
    without a time of day. 0000-00-00, and whatever else is no day between 1900 and 2199, is null. -#}
{%- macro to_date(text) -%} {{ return(adapter.dispatch('to_date')(text)) }} {%- endmacro -%}

{%- macro duckdb__to_date(text) -%}
    cast({{ to_timestamp(text) }} as date)
{%- endmacro -%}

{#- Text as a local time without zone, from the same spellings; midnight where no time of day is given. -#}
{%- macro to_timestamp(text) -%} {{ return(adapter.dispatch('to_timestamp')(text)) }} {%- endmacro -%}

{#- Nearly all text is ISO: the other spellings are only looked at where that fails. The century is asked for
    first because the cast also takes 'infinity' and the year 20240. -#}
{%- macro duckdb__to_timestamp(text) -%}
    {%- set written = clean_text(half_width(text)) -%}
    coalesce(
        case when regexp_matches({{ text }}, '^(19|20|21)\d\d\D') then try_cast({{ text }} as timestamp) end,
        case
            when regexp_full_match({{ written }}, '(19|20|21)\d{6}') then try_strptime({{ written }}, '%Y%m%d')
            when regexp_full_match({{ written }}, '[2-7]\d{4}(\.\d+)?')
                then timestamp '1899-12-30'
                    + to_seconds(cast(round(cast({{ written }} as double) * 86400) as bigint))
            else try_cast(
                regexp_replace(
                    regexp_extract({{ written }}, '^(?:19|20|21)\d\d\D.*'),
                    '^(\d{4})[年.](\d{1,2})[月.](\d{1,2})日?', '\1-\2-\3'
                ) as timestamp
            )
        end
    )
{%- endmacro -%}

{#- Text as a time in UTC. A zone in the text (…+08:00, …Z) decides; else it is local time where the system of
    this staging model stands, which its YAML says. -#}
{%- macro to_utc(text) -%}
    {%- set system = (model.name | default('')).split('__')[0] | replace('stg_', '', 1) -%}
    {{ return(adapter.dispatch('to_utc')(text, system_timezones().get(system, var('timezone')))) }}
{%- endmacro -%}

{%- macro duckdb__to_utc(text, zone) -%}
    case
        when regexp_matches({{ text }}, ':\d\d(\.\d+)?\s*(Z|[+-]\d\d(:?\d\d)?)\s*$')
            then try_cast({{ text }} as timestamptz) at time zone 'UTC'
        else {{ to_timestamp(text) }} at time zone '{{ zone }}' at time zone 'UTC'
    end
{%- endmacro -%}
