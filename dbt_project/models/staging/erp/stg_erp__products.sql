with

materials as (
    select * from {{ source('raw_erp', 'jsh_material') }}
),

categories as (
    select id, name from {{ source('raw_erp', 'jsh_material_category') }}
),

final as (
    select
        'jsh_material' as source_table,
        materials.id as source_id,
        materials._loaded_at as loaded_at,
        {{ clean_text('materials.name') }} as product_name,
        {{ clean_text('categories.name') }} as category,
        {{ clean_text('materials.unit') }} as unit,
        -- 自定义1: this company keeps the list price there
        {{ to_money('materials.other_field1') }} as list_price
    from materials
    left join categories on materials.category_id = categories.id
    where coalesce(materials.delete_flag, '0') <> '1'
)

select * from final
