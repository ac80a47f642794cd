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
        -- 0 open, 1 won, 2 lost, 3 void; its status is 1 in use, 3 deleted
        case
            when status = '3' or is_end = '3' then 'void'
            when is_end = '0' then 'open'
            when is_end = '1' then 'won'
            when is_end = '2' then 'lost'
        end as status
    from opportunities
)

select * from final
