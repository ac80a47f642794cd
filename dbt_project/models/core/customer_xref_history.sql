-- A view: in the working file the history takes no room beside the two tables it is made of.
{{ config(materialized='view') }}
with

past as (
    select system, source_table, source_id, customer_id, valid_from, valid_to
    from {{ source('identity', 'customer_xref_past') }}
),

present as (
    select
        system,
        source_table,
        source_id,
        customer_id,
        coalesce(valid_from, decided_at) as valid_from,
        cast(null as timestamp) as valid_to
    from {{ source('identity', 'customer_xref') }}
),

final as (
    select * from past
    union all
    select * from present
)

select * from final
