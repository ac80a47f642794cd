with

heads as (
    select * from {{ source('raw_<system>', 'jsh_depot_head') }}
),

-- Money that changed hands with the document itself: over the counter, or as a deposit on an order. What is paid
-- out of a member's advance (预付款) came in before.
paid as (
    select *
    from heads
    where
        (
            (type = '出库' and sub_type in ('销售', '零售'))
            or (type = '入库' and sub_type in ('销售退货', '零售退货'))
            or (type = '其它' and sub_type = '销售订单')
        )
        and coalesce(delete_flag, '0') <> '1'
        and coalesce(pay_type, '') <> '预付款'
        and coalesce({{ to_money('change_amount') }}, 0) <> 0
),

final as (
    select
        'jsh_depot_head' as source_table,
        id as source_id,
        _loaded_at as loaded_at,
        organ_id as customer_source_id,
        -- An order not yet delivered is no sale yet.
        case when type <> '其它' then id end as order_source_id,
        {{ to_utc('oper_time') }} as paid_at,
        -- 0 not reviewed, 9 in review; 1 reviewed, 2 and 3 passed on in full and in part
        case when coalesce(status, '0') in ('0', '9') then 'void' else 'confirmed' end as status,
        case when type = '其它' then 'deposit' else {{ clean_text('pay_type') }} end as method,
        case when type = '入库' then -1 else 1 end * abs({{ to_money('change_amount') }}) as amount_gross,
        oper_time as raw_date
    from paid
)

select * from final
