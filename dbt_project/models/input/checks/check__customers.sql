-- How many records may carry one number before it says nothing about who the customer is.
{%- set shared_from = 10 %}
with

customers as (
    select
        system,
        source_table,
        source_id,
        {{ phone_digits('mobile') }} as mobile_number,
        {{ phone_digits('phone') }} as phone_number,
        upper(credit_code) as credit_code,
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
    having count(*) >= {{ shared_from }}
),

-- Of one firm, going by its code, in more than one system.
contradictions as (
    select
        credit_code,
        count(distinct mobile_number) > 1 as has_several_mobiles,
        count(distinct owner_name) > 1 as has_several_owners
    from customers
    where length(credit_code) = 18
    group by credit_code
    having count(distinct system) > 1
),

events as (
    {% for entity, moment in {
        'orders': 'ordered_at', 'payments': 'paid_at', 'interactions': 'occurred_at',
        'contracts': 'signed_on', 'tickets': 'opened_at',
    }.items() %}
    select system, customer_source_id, max(cast({{ moment }} as timestamp)) as happened_at
    from {{ ref('input__' ~ entity) }}
    where customer_source_id is not null and {{ moment }} <= {{ as_of() }}
    group by system, customer_source_id
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

last_events as (
    select system, customer_source_id, max(happened_at) as happened_at
    from events
    group by system, customer_source_id
),

-- greatest skips what is missing; a date still to come is a slip of the pen and proves nothing.
touched as (
    select
        customers.*,
        greatest(
            case when customers.created_at <= {{ as_of() }} then customers.created_at end,
            case when customers.updated_at <= {{ as_of() }} then customers.updated_at end,
            last_events.happened_at
        ) as touched_at
    from customers
    left join last_events
        on customers.system = last_events.system
        and customers.source_id = last_events.customer_source_id
),

final as (
    select
        touched.system,
        touched.source_table,
        touched.source_id,
        touched.mobile_number in (select number from shared_numbers) is true
            or touched.phone_number in (select number from shared_numbers) is true as is_phone_shared,
        coalesce(touched.touched_at < {{ as_of() }} - interval '2' year, false) as is_untouched,
        coalesce(contradictions.has_several_mobiles, false) as has_conflicting_mobile,
        coalesce(contradictions.has_several_owners, false) as has_conflicting_owner
    from touched
    left join contradictions on touched.credit_code = contradictions.credit_code
)

select * from final
