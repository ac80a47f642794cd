with

products as (
    select * from {{ source('raw_<system>', 'wk_crm_product') }}
),

categories as (
    select category_id, name from {{ source('raw_<system>', 'wk_crm_product_category') }}
),

final as (
    select
        'wk_crm_product' as source_table,
        products.product_id as source_id,
        products._loaded_at as loaded_at,
        {{ clean_text('products.name') }} as product_name,
        {{ clean_text('categories.name') }} as category,
        {{ clean_text('products.unit') }} as unit,
        {{ to_money('products.price') }} as list_price
    from products
    left join categories on products.category_id = categories.category_id
    -- 0 not on sale, 1 on sale, 3 deleted
    where coalesce(products.status, '1') <> '3'
)

select * from final
