-- What each employee typed into a system: who made the record, else who looks after it. A record without an
-- employee is nobody's; without an id the name stands for the employee.
with

records as (
    select
        system,
        source_id as customer_source_id,
        coalesce(collected_by_source_id, case when collected_by_name is null then owner_source_id end) as staff_id,
        coalesce(
            collected_by_name,
            case when collected_by_source_id is null then owner_name end
        ) as staff_name,
        true as is_customer,
        {{ local_date('created_at') }} as created_on,
        {{ phone_digits('mobile') }} as number,
        {{ phone_digits('phone') }} as second_number,
        nullif(lower(trim({{ half_width('email') }})), '') as address
    from {{ ref('input__customers') }}
    union all
    select
        system,
        coalesce(customer_source_id, source_id),
        collected_by_source_id,
        collected_by_name,
        false,
        {{ local_date('created_at') }},
        {{ phone_digits('customer_phone') }},
        null,
        nullif(lower(trim({{ half_width('customer_email') }})), '')
    from {{ ref('input__contacts') }}
),

by_employee as (
    select *, coalesce(staff_id, concat('name ', staff_name)) as collector from records
    where coalesce(staff_id, staff_name) is not null
),

typed as (
    select system, collector, customer_source_id, 'phone' as kind, number as typed from by_employee
    union
    select system, collector, customer_source_id, 'phone', second_number from by_employee
    union
    select system, collector, customer_source_id, 'email', address from by_employee
),

final as (
    select system, collector, customer_source_id, kind, typed, cast(null as date) as created_on from typed
    where typed is not null
    union all
    select system, collector, customer_source_id, 'record', null, created_on from by_employee
    where is_customer and created_on <= {{ as_of() }}
)

select * from final
