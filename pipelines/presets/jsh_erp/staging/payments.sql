with

heads as (
    select * from {{ source('raw_<system>', 'jsh_account_head') }}
),

items as (
    select id, header_id, bill_id from {{ source('raw_<system>', 'jsh_account_item') }}
    where coalesce(delete_flag, '0') <> '1'
),

-- 收预付款 is money that a member pays ahead; what is bought with it later brings no money again.
receipts as (
    select * from heads
    where type in ('收款', '收预付款') and coalesce(delete_flag, '0') <> '1'
),

-- A receipt that settles several sales at once names none of them here.
only_items as (
    select header_id, bill_id from items
    where not exists (
        select 1 from items as others where others.header_id = items.header_id and others.id <> items.id
    )
),

final as (
    select
        'jsh_account_head' as source_table,
        receipts.id as source_id,
        receipts._loaded_at as loaded_at,
        receipts.organ_id as customer_source_id,
        only_items.bill_id as order_source_id,
        {{ to_utc('receipts.bill_time') }} as paid_at,
        -- 0 not reviewed, 1 reviewed, 9 in review
        case when receipts.status = '1' then 'confirmed' else 'void' end as status,
        case when receipts.type = '收预付款' then 'advance' end as method,
        -- What came in: total_price less the discount given on the receipt.
        {{ to_money('receipts.change_amount') }} as amount_gross,
        receipts.bill_time as raw_date
    from receipts
    left join only_items on receipts.id = only_items.header_id
)

select * from final
