-- How often each customer is in touch with us, over all systems together, and for how long nothing has come now.
-- A day counts once, however many systems saw it; days after the as-of date are slips of the pen.
{%- set facts = {
    'fct_orders': 'ordered_on', 'fct_payments': 'paid_on', 'fct_interactions': 'occurred_at',
    'fct_tickets': 'opened_at', 'fct_contracts': 'signed_on',
} %}
{%- set further = {'quotes': 'quoted_at', 'surveys': 'surveyed_at', 'usage': 'used_on'} %}
with

days as (
    {% for fact, moment in facts.items() %}
    select customer_id, {{ local_date(moment) if moment.endswith('_at') else moment }} as happened_on
    from {{ ref(fact) }}
    where customer_id is not null
    group by all
    union all
    {% endfor %}
    {% for entity, moment in further.items() %}
    select owners.customer_id, {{ local_date(moment) if moment.endswith('_at') else moment }} as happened_on
    from {{ source('quality', 'passed_' ~ entity) }} as passed
    inner join {{ source('identity', 'customer_xref') }} as owners
        on passed.system = owners.system
        and passed.source_table = owners.source_table
        and passed.source_id = owners.source_id
    group by all
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

touched as (
    select distinct customer_id, happened_on
    from days
    where happened_on is not null and happened_on <= {{ as_of() }}
),

gaps as (
    select
        customer_id,
        happened_on,
        {{ days_between('lag(happened_on) over (partition by customer_id order by happened_on)', 'happened_on') }}
            as gap_days
    from touched
),

rhythms as (
    select
        customer_id,
        count(*) as contact_days,
        max(happened_on) as last_contact_on,
        {{ median_of('gap_days') }} as usual_gap_days
    from gaps
    group by customer_id
),

-- Who has no rhythm yet is judged by the last touch of any kind: a change of the record counts there too.
edited as (
    select
        customer_id,
        {{ local_date("max(case when created_at <= " ~ as_of() ~ " then created_at end)") }} as created_on,
        {{ local_date("max(case when updated_at <= " ~ as_of() ~ " then updated_at end)") }} as updated_on
    from {{ ref('int_customer_records') }}
    group by customer_id
),

final as (
    select
        edited.customer_id,
        coalesce(rhythms.contact_days, 0) as contact_days,
        rhythms.last_contact_on,
        rhythms.usual_gap_days,
        {{ days_between('rhythms.last_contact_on', as_of()) }} as silent_days,
        {{ days_between(
            'greatest(rhythms.last_contact_on, edited.created_on, edited.updated_on)', as_of()
        ) }} as untouched_days
    from edited
    left join rhythms on edited.customer_id = rhythms.customer_id
)

select * from final
