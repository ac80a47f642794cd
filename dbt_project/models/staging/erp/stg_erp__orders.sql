with

heads as (
    select * from {{ source('raw_erp', 'jsh_depot_head') }}
),

people as (
    select id, name from {{ source('raw_erp', 'jsh_person') }}
),

-- Purchases, transfers, stock-taking and orders not yet delivered (其它/销售订单) are in the same table.
sales as (
    select
        *,
        case when type = '出库' then 'sale' else 'return' end as document_kind,
        -- Retail documents have no sum after discount; jshERP gives purchases a minus, returns none.
        {{ to_money('coalesce(discount_last_money, total_price)') }} as amount
    from heads
    where
        ((type = '出库' and sub_type in ('销售', '零售')) or (type = '入库' and sub_type in ('销售退货', '零售退货')))
        and coalesce(delete_flag, '0') <> '1'
),

final as (
    select
        'jsh_depot_head' as source_table,
        sales.id as source_id,
        sales._loaded_at as loaded_at,
        sales.organ_id as customer_source_id,
        {{ clean_text('sales.number') }} as order_no,
        {{ clean_text('people.name') }} as staff_name,
        {{ to_utc('sales.oper_time') }} as ordered_at,
        {{ promised_on('sales.remark') }} as promised_on,
        {{ delivered_on('sales.remark') }} as delivered_on,
        case
            when {{ is_test_entry(['sales.number', 'sales.remark']) }} then 'test'
            -- 0 not reviewed, 9 in review; 1 reviewed, 2 and 3 passed on in full and in part
            when coalesce(sales.status, '0') in ('0', '9') then 'draft'
            else 'confirmed'
        end as status,
        sales.document_kind,
        {{ clean_text('sales.remark') }} as description,
        case when sales.document_kind = 'sale' then sales.amount else -abs(sales.amount) end as amount_gross,
        sales.oper_time as raw_date
    from sales
    -- Several salespeople are listed with commas; the first one counts. The creator only typed it in.
    left join people on split_part(sales.sales_man, ',', 1) = people.id
)

select * from final
