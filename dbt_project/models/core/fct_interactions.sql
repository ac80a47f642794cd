with {{ passed_with_customer('interactions') }},

final as (
    select
        {{ source_key('owned') }} as interaction_id,
        customer_id,
        system,
        source_table,
        source_id,
        channel,
        direction,
        outcome,
        occurred_at,
        staff_name,
        summary,
        loaded_at
    from owned
)

select * from final
