with {{ passed_with_customer('account_notes') }},

final as (
    select
        {{ source_key('owned') }} as account_note_id,
        customer_id,
        system,
        source_table,
        source_id,
        period_start,
        period_end,
        staff_name,
        changes,
        concerns,
        complaints,
        summary,
        loaded_at
    from owned
)

select * from final
