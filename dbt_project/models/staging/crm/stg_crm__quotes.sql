with

opportunities as (
    select * from {{ source('raw_crm', 'wk_crm_business') }}
),

final as (
    select
        'wk_crm_business' as source_table,
        business_id as source_id,
        _loaded_at as loaded_at,
        customer_id as customer_source_id,
        owner_user_id as staff_source_id,
        {{ clean_text('business_name') }} as project,
        {{ to_utc('create_time') }} as quoted_at,
        {{ to_money('money') }} as amount_gross,
        case is_end
            when '0' then 'open'
            when '1' then 'won'
            when '2' then 'lost'
            when '3' then 'void'
        end as status
    from opportunities
)

select * from final
