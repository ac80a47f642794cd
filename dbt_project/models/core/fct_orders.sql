with {{ passed_with_customer('orders') }},

-- Some systems keep no total on the document, or none without tax: there the lines make it.
without_total as (
    select system, source_table, source_id
    from records
    where amount_gross is null or amount_net is null
),

line_totals as (
    select
        without_total.system,
        without_total.source_table,
        without_total.source_id,
        cast(sum(lines.amount_gross) as decimal(18, 2)) as amount_gross,
        cast(sum(lines.amount_net) as decimal(18, 2)) as amount_net
    from without_total
    inner join {{ source('quality', 'passed_order_lines') }} as lines
        on without_total.system = lines.system
        and without_total.source_table = lines.order_source_table
        and without_total.source_id = lines.order_source_id
    group by without_total.system, without_total.source_table, without_total.source_id
),

totalled as (
    select
        owned.*,
        coalesce(owned.amount_gross, line_totals.amount_gross) as total_gross,
        coalesce(owned.amount_net, line_totals.amount_net) as total_net
    from owned
    left join line_totals
        on owned.system = line_totals.system
        and owned.source_table = line_totals.source_table
        and owned.source_id = line_totals.source_id
),

final as (
    select
        {{ source_key('totalled') }} as order_id,
        customer_id,
        system,
        source_table,
        source_id,
        order_no,
        document_kind,
        status,
        ordered_at,
        {{ local_date('ordered_at') }} as ordered_on,
        promised_on,
        delivered_on,
        staff_name,
        product_name,
        total_gross as amount_gross,
        total_net as amount_net,
        cost_amount,
        coalesce(status = 'confirmed' and total_gross is not null, false) as is_revenue,
        loaded_at
    from totalled
)

select * from final
