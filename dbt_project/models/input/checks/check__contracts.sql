with

previous as (
    select distinct system, source_table, source_id from {{ ref('input__contracts') }}
),

numbers as (
    select system, source_table, contract_no
    from {{ ref('input__contracts') }}
    where contract_no is not null
    group by system, source_table, contract_no
    having count(*) > 1
),

plain as (
    {{ record_checks(
        'contracts',
        alike=[
            'customer_source_id', 'customer_name', 'contract_name', 'product_kind', 'signed_on', 'starts_on',
            'ends_on', 'amount_gross', 'status',
        ],
        staff=['staff_source_id'],
    ) }}
),

final as (
    select
        plain.*,
        numbers.contract_no is not null as is_number_taken,
        contracts.previous_contract_source_id is not null and previous.source_id is null as has_no_previous
    from plain
    inner join {{ ref('input__contracts') }} as contracts
        on plain.system = contracts.system
        and plain.source_table = contracts.source_table
        and plain.source_id = contracts.source_id
    left join previous
        on contracts.system = previous.system
        and contracts.source_table = previous.source_table
        and contracts.previous_contract_source_id = previous.source_id
    left join numbers
        on contracts.system = numbers.system
        and contracts.source_table = numbers.source_table
        and contracts.contract_no = numbers.contract_no
)

select * from final
