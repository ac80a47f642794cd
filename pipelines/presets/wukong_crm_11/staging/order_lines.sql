{#- The product keeps no tax: its amounts are with this rate in them. -#}
{%- set tax_rate = '0.06' -%}

with

lines as (
    select * from {{ source('raw_<system>', 'wk_crm_contract_product') }}
),

products as (
    select product_id, name from {{ source('raw_<system>', 'wk_crm_product') }}
),

final as (
    select
        'wk_crm_contract_product' as source_table,
        lines.r_id as source_id,
        lines._loaded_at as loaded_at,
        lines.contract_id as order_source_id,
        'wk_crm_contract' as order_source_table,
        lines.product_id as product_source_id,
        {{ clean_text('products.name') }} as product_name,
        {{ try_to('lines.num', 'decimal(18, 4)') }} as quantity,
        {{ try_to('lines.sales_price', 'decimal(18, 4)') }} as unit_price,
        {{ to_money('lines.subtotal') }} as amount_gross,
        {{ net_of_tax(to_money('lines.subtotal'), tax_rate) }} as amount_net
    from lines
    left join products on lines.product_id = products.product_id
)

select * from final
