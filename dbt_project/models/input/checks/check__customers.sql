{%- set limits = var('quality') %}
with

customers as (
    select
        system,
        source_table,
        source_id,
        {{ phone_digits('mobile') }} as mobile_number,
        {{ phone_digits('phone') }} as phone_number,
        customer_name,
        owner_source_id,
        owner_name,
        created_at,
        updated_at
    from {{ ref('input__customers') }}
),

numbers as (
    select mobile_number as number from customers
    union all
    select phone_number from customers where phone_number <> coalesce(mobile_number, '')
),

shared_numbers as (
    select number from numbers
    where number is not null
    group by number
    having count(*) >= {{ limits.phone_records }}
),

-- A list that keeps the day of the last change has one that is later than the day of entry for most records.
edited as (
    select
        system,
        source_table,
        count(case when updated_at > created_at + interval '1' day then 1 end)
            >= {{ limits.edited_share }} * count(*) as keeps_edits,
        count(created_at) > 0 as keeps_created,
        count(updated_at) > 0 as keeps_updated
    from customers
    group by system, source_table
),

staff_ids as (
    select distinct system, source_id from {{ ref('input__staff') }}
),

staff_names as (
    select distinct staff_name from {{ ref('input__staff') }}
),

final as (
    select
        customers.system,
        customers.source_table,
        customers.source_id,
        customers.mobile_number in (select number from shared_numbers) is true
            or customers.phone_number in (select number from shared_numbers) is true as is_phone_shared,
        coalesce(
            edited.keeps_edits
            and customers.updated_at < {{ as_of() }} - interval '{{ limits.untouched_years }}' year,
            false
        ) as is_untouched,
        edited.keeps_created and customers.created_at is null as has_no_created_date,
        edited.keeps_updated and customers.updated_at is null as has_no_updated_date,
        {{ is_traditional('customers.customer_name') }} as has_traditional_name,
        {{ is_unknown_staff('customers', ['owner_source_id', 'owner_name']) }} as has_unknown_owner
    from customers
    left join edited on customers.system = edited.system and customers.source_table = edited.source_table
    {{ join_staff('customers', ['owner_source_id', 'owner_name']) }}
)

select * from final
