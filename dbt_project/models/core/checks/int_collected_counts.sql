-- How many of an employee's records, numbers and addresses fail each test that counts: hits out of trials.
{%- set suspicion = var('suspicion') %}
with

collected as (
    select * from {{ ref('int_collected') }}
),

-- A number on many records (a switchboard, a hotline) says nothing about who typed it.
rare as (
    select kind, typed from collected
    where typed is not null
    group by kind, typed
    having count(*) < {{ var('quality').phone_records }}
),

own as (
    select collected.system, collected.collector, collected.kind, collected.typed, count(*) as customers
    from collected
    inner join rare on collected.kind = rare.kind and collected.typed = rare.typed
    group by collected.system, collected.collector, collected.kind, collected.typed
),

tries as (
    select
        system,
        {{ phone_digits('customer_phone') }} as number,
        nullif(lower(trim({{ half_width('customer_email') }})), '') as address,
        channel,
        direction,
        outcome
    from {{ ref('input__interactions') }}
),

-- Only a system that also notes failures can tell how often they happen; who rings us is real, whatever the system.
telling as (
    select distinct system from tries where outcome in ('not_reached', 'wrong_number')
),

contacted as (
    select
        case channel when 'email' then 'email' else 'phone' end as kind,
        case channel when 'email' then address else number end as typed,
        -- A call without a result tells nothing; a mail that nobody returned has arrived.
        count(case when coalesce(direction, 'out') <> 'in' and (outcome is not null or channel = 'email')
            and system in (select system from telling) then 1 end) as attempts,
        count(case when direction = 'in' or outcome = 'reached' then 1 end) as talks,
        count(case when outcome = 'wrong_number' then 1 end) as returned
    from tries
    group by 1, 2
),

tried as (
    select own.*, contacted.talks, contacted.returned
    from own
    inner join contacted on own.kind = contacted.kind and own.typed = contacted.typed
    where contacted.attempts > 0
),

-- The number typed before it for somebody else, plus one or two: nobody's customers queue up for numbers.
neighbours as (
    select system, collector, typed, customers,
        {{ try_to('typed', 'bigint') }} - lag({{ try_to('typed', 'bigint') }}) over numbers_of as gap_before,
        lead({{ try_to('typed', 'bigint') }}) over numbers_of - {{ try_to('typed', 'bigint') }} as gap_after
    from own
    where kind = 'phone' and {{ is_mobile('typed') }}
    window numbers_of as (partition by system, collector order by typed)
),

days as (
    select
        system,
        collector,
        created_on,
        {{ days_between('created_on', last_of_month('created_on')) }} < {{ suspicion.deadline_days }} as is_late,
        {{ last_of_month('created_on') }} as deadline
    from collected
    where kind = 'record'
),

months as (
    select system, collector, deadline, count(*) as records, count(case when is_late then 1 end) as late
    from days
    group by system, collector, deadline
),

-- A fair or a campaign is one event and no habit: everybody's fullest deadline is left out.
other_months as (
    select *, row_number() over (partition by system, collector order by late desc, records desc, deadline) as place
    from months
),

counted as (
    select system, collector, 'never_reached' as test, count(*) as trials,
        count(case when talks = 0 then 1 end) as hits
    from tried where kind = 'phone'
    group by system, collector
    union all
    select system, collector, 'bounced', count(*), count(case when returned > 0 then 1 end)
    from tried
    group by system, collector
    union all
    select system, collector, 'patterned', count(*), count(case when {{ is_patterned('typed') }} then 1 end)
    from own where kind = 'phone' and {{ is_mobile('typed') }}
    group by system, collector
    union all
    select system, collector, 'repeated', count(*),
        count(case when customers > 1
            or gap_before < {{ suspicion.neighbours_within }} or gap_after < {{ suspicion.neighbours_within }} then 1 end)
    from neighbours
    group by system, collector
    union all
    select system, collector, 'invalid', count(*),
        count(case
            when kind = 'phone' and {{ is_invalid_number('typed') }} then 1
            when kind = 'email' and {{ is_invalid_address('typed') }} then 1
        end)
    from collected where kind in ('phone', 'email')
    group by system, collector
    union all
    select system, collector, 'deadline_burst', sum(records), sum(late)
    from other_months where place > 1
    group by system, collector
)

select * from counted
where trials >= {{ suspicion.min_records }}
