with

receivables as (
    select
        passed.system,
        passed.source_table,
        passed.source_id,
        {{ document_key('passed.document_no') }} as number_key,
        passed.amount_gross as amount
    from {{ source('quality', 'passed_receivables') }} as passed
),

documents as (
    select system, {{ document_key('order_no') }} as number_key, amount_gross as amount
    from {{ source('quality', 'passed_orders') }}
    where order_no is not null and status = 'confirmed'
    union all
    select system, {{ document_key('contract_no') }}, amount_gross
    from {{ source('quality', 'passed_contracts') }}
    where contract_no is not null and status in ('active', 'terminated')
),

largest as (
    select number_key, max(amount) as amount, min(system) as system
    from documents
    group by number_key
),

-- A list none of whose numbers is known anywhere numbers its documents by itself.
lists as (
    select receivables.system, receivables.source_table, count(largest.number_key) > 0 as is_numbered_alike
    from receivables
    left join largest on receivables.number_key = largest.number_key
    group by receivables.system, receivables.source_table
),

final as (
    select
        receivables.system,
        receivables.source_table,
        receivables.source_id,
        receivables.number_key is not null and largest.number_key is null and lists.is_numbered_alike as has_no_order,
        coalesce(receivables.amount > largest.amount, false) as is_more_than_ordered,
        largest.amount as order_other,
        largest.system as order_from
    from receivables
    left join largest on receivables.number_key = largest.number_key
    left join lists on receivables.system = lists.system and receivables.source_table = lists.source_table
)

select * from final
