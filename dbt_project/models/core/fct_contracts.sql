with {{ passed_with_customer('contracts') }},

final as (
    select
        {{ source_key('owned') }} as contract_id,
        customer_id,
        system,
        source_table,
        source_id,
        contract_no,
        contract_name,
        product_kind,
        status,
        signed_on,
        starts_on,
        ends_on,
        terminated_on,
        termination_reason,
        case
            when previous_contract_source_id is not null
                then system || ':' || source_table || ':' || previous_contract_source_id
        end as previous_contract_id,
        amount_gross,
        amount_net,
        loaded_at
    from owned
)

select * from final
