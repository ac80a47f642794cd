with

materials as (
    select * from {{ source('raw_erp', 'jsh_material') }}
),

categories as (
    select id, name from {{ source('raw_erp', 'jsh_material_category') }}
),

-- One row per unit and attribute; those in the product's usual unit, of which the lowest price is the list price.
prices as (
    select
        material_id,
        min(commodity_unit) as unit,
        min(coalesce({{ to_money('wholesale_decimal') }}, {{ to_money('commodity_decimal') }})) as list_price
    from {{ source('raw_erp', 'jsh_material_extend') }}
    where default_flag = '1' and coalesce(delete_flag, '0') <> '1'
    group by material_id
),

final as (
    select
        'jsh_material' as source_table,
        materials.id as source_id,
        materials._loaded_at as loaded_at,
        {{ clean_text('materials.name') }} as product_name,
        {{ clean_text('categories.name') }} as category,
        coalesce({{ clean_text('materials.unit') }}, {{ clean_text('prices.unit') }}) as unit,
        prices.list_price
    from materials
    left join categories on materials.category_id = categories.id
    left join prices on materials.id = prices.material_id
    where coalesce(materials.delete_flag, '0') <> '1'
)

select * from final
