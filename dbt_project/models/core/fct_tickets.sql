with {{ passed_with_customer('tickets') }},

final as (
    select
        {{ source_key('owned') }} as ticket_id,
        customer_id,
        system,
        source_table,
        source_id,
        kind,
        status,
        severity,
        opened_at,
        closed_at,
        summary,
        loaded_at
    from owned
)

select * from final
