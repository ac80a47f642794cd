{#- What all facts have in common: the row's own key, and whose it is. -#}

{%- macro source_key(alias, kind) -%}
    {{ alias }}.system || ':' || {{ alias }}.source_table || ':' || {{ alias }}.source_id
{%- endmacro -%}

{#- `records`: an entity that passed gate 1; `owners`: which customer each source row names. -#}
{%- macro passed_with_customer(entity) -%}
    records as (
        select * from {{ source('quality', 'passed_' ~ entity) }}
    ),

    owners as (
        select system, source_table, source_id, customer_id
        from {{ source('identity', 'customer_xref') }}
    ),

    owned as (
        select records.*, owners.customer_id
        from records
        left join owners
            on records.system = owners.system
            and records.source_table = owners.source_table
            and records.source_id = owners.source_id
    )
{%- endmacro -%}
