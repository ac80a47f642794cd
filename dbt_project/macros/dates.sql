{#- Days and quarters in the company's own time zone. -#}

{%- macro as_of() -%} cast('{{ var("as_of") }}' as date) {%- endmacro -%}

{%- macro local_date(column) -%} {{ return(adapter.dispatch('local_date')(column)) }} {%- endmacro -%}

{%- macro duckdb__local_date(column) -%}
    cast({{ column }} at time zone 'UTC' at time zone '{{ var("timezone") }}' as date)
{%- endmacro -%}

{%- macro quarter_starts(first_day, last_day) -%}
    {{ return(adapter.dispatch('quarter_starts')(first_day, last_day)) }}
{%- endmacro -%}

{#- One row per quarter that begins in the span: column quarter_start_on. -#}
{%- macro duckdb__quarter_starts(first_day, last_day) -%}
    select cast(unnest(generate_series(
        date_trunc('quarter', {{ first_day }}), cast({{ last_day }} as timestamp), interval 3 month
    )) as date) as quarter_start_on
{%- endmacro -%}

{%- macro add_days(day, days) -%} {{ return(adapter.dispatch('add_days')(day, days)) }} {%- endmacro -%}

{%- macro duckdb__add_days(day, days) -%}
    cast({{ day }} + cast({{ days }} as integer) as date)
{%- endmacro -%}

{%- macro add_months(day, months) -%} {{ return(adapter.dispatch('add_months')(day, months)) }} {%- endmacro -%}

{%- macro duckdb__add_months(day, months) -%}
    cast({{ day }} + to_months(cast({{ months }} as integer)) as date)
{%- endmacro -%}

{%- macro days_between(earlier, later) -%} {{ return(adapter.dispatch('days_between')(earlier, later)) }} {%- endmacro -%}

{%- macro duckdb__days_between(earlier, later) -%} datediff('day', {{ earlier }}, {{ later }}) {%- endmacro -%}

{#- Median over all rows of the window up to and with the current one. -#}
{%- macro running_median(value, partition_by, order_by) -%}
    {{ return(adapter.dispatch('running_median')(value, partition_by, order_by)) }}
{%- endmacro -%}

{%- macro duckdb__running_median(value, partition_by, order_by) -%}
    median({{ value }}) over (
        partition by {{ partition_by }} order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{%- endmacro -%}

{#- Median of a group. -#}
{%- macro median_of(value) -%} {{ return(adapter.dispatch('median_of')(value)) }} {%- endmacro -%}

{%- macro duckdb__median_of(value) -%} median({{ value }}) {%- endmacro -%}
