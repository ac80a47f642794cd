with

lines as (
    select * from {{ source('raw_<system>', 'jsh_depot_item') }}
    where coalesce(delete_flag, '0') <> '1'
),

heads as (
    select
        id,
        (type = '出库' and sub_type in ('销售', '零售')) as is_sale,
        (type = '入库' and sub_type in ('销售退货', '零售退货')) as is_return,
        coalesce(delete_flag, '0') = '1' as is_deleted
    from {{ source('raw_<system>', 'jsh_depot_head') }}
),

materials as (
    select id, name from {{ source('raw_<system>', 'jsh_material') }}
),

-- A line without any document stays: that it has none is for the quality checks to report.
sold as (
    select lines.*, case when heads.is_return then -1 else 1 end as sign
    from lines
    left join heads on lines.header_id = heads.id
    where heads.id is null or ((heads.is_sale or heads.is_return) and not heads.is_deleted)
),

final as (
    select
        'jsh_depot_item' as source_table,
        sold.id as source_id,
        sold._loaded_at as loaded_at,
        sold.header_id as order_source_id,
        'jsh_depot_head' as order_source_table,
        sold.material_id as product_source_id,
        {{ clean_text('materials.name') }} as product_name,
        sold.sign * {{ try_to('sold.oper_number', 'decimal(18, 4)') }} as quantity,
        {{ try_to('coalesce(sold.tax_unit_price, sold.unit_price)', 'decimal(18, 4)') }} as unit_price,
        sold.sign * {{ to_money('coalesce(sold.tax_last_money, sold.all_price)') }} as amount_gross,
        sold.sign * {{ to_money('sold.all_price') }} as amount_net
    from sold
    left join materials on sold.material_id = materials.id
)

select * from final
