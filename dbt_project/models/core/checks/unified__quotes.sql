{%- set limits = var('quality') %}
with

staff as (
    select system, source_id, min(staff_name) as staff_name
    from {{ source('quality', 'passed_staff') }}
    group by system, source_id
),

quotes as (
    select
        passed.system,
        passed.source_table,
        passed.source_id,
        owners.customer_id,
        {{ comparable_text('passed.project') }} as project,
        coalesce(staff.staff_name, passed.staff_source_id) as staff,
        {{ local_date('passed.quoted_at') }} as quoted_on,
        passed.amount_gross as amount
    from {{ source('quality', 'passed_quotes') }} as passed
    left join {{ source('identity', 'customer_xref') }} as owners
        on passed.system = owners.system
        and passed.source_table = owners.source_table
        and passed.source_id = owners.source_id
    left join staff on passed.system = staff.system and passed.staff_source_id = staff.source_id
),

-- Of several the one nearest in time is told.
pairs as (
    select
        one.system, one.source_table, one.source_id,
        other.amount as price_other,
        other.staff as price_from,
        row_number() over (
            partition by one.system, one.source_table, one.source_id
            order by abs({{ days_between('one.quoted_on', 'other.quoted_on') }}), other.system, other.source_id
        ) as place
    from quotes as one
    inner join quotes as other
        on one.customer_id = other.customer_id and one.project = other.project and one.staff <> other.staff
    where
        one.amount <> other.amount
        and abs({{ days_between('one.quoted_on', 'other.quoted_on') }}) <= {{ limits.quote_window_days }}
),

final as (
    select
        quotes.system,
        quotes.source_table,
        quotes.source_id,
        pairs.source_id is not null as is_quoted_twice,
        pairs.price_other,
        pairs.price_from
    from quotes
    left join pairs
        on quotes.system = pairs.system
        and quotes.source_table = pairs.source_table
        and quotes.source_id = pairs.source_id
        and pairs.place = 1
)

select * from final
