with

members as (
    select * from {{ source('raw_members', 'member') }}
),

final as (
    select
        'member' as source_table,
        khbh as source_id,
        _loaded_at as loaded_at,
        case when {{ names_a_firm('xm') }} then 'organisation' else 'person' end as party_type,
        {{ clean_text('xm') }} as customer_name,
        {{ clean_text('dh') }} as mobile,
        {{ clean_text('dz') }} as address,
        false as is_deleted,
        false as is_blocked,
        {{ to_utc('rhrq') }} as created_at
    from members
)

select * from final
