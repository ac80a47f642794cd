{%- set suspicion = var('suspicion') %}
with

tests as (
    select * from {{ ref('int_collected_shares') }}
    union all
    select * from {{ ref('int_collected_digits') }}
),

ranked as (
    select
        *,
        case
            {%- for kind, names in suspicion_kinds().items() %}
            when test in ('{{ names | join("', '") }}') then '{{ kind }}'
            {%- endfor %}
        end as kind,
        row_number() over (partition by system, test order by p_value, collector) as rank_of_p,
        count(*) over (partition by system, test) as tests
    from tests
),

corrected as (
    select *, {{ benjamini_hochberg('p_value', 'system, test') }} as q_value from ranked
),

-- Tests of one kind look at the same thing: the best of them counts, corrected for how many there are, and no kind
-- alone can make a suspicion, however improbable: a bad region explains silence, a deadline explains haste.
kinds as (
    select
        system,
        collector,
        kind,
        least({{ suspicion.most_of_a_kind }}, -log10(greatest(least(1.0, min(q_value) * count(*)), 1e-30))) as evidence
    from corrected
    group by system, collector, kind
),

scores as (
    select system, collector, sum(evidence) as score from kinds
    group by system, collector
),

-- An employee by id in the system of the records; by name there, or in any list where only one has it.
staff as (
    select
        *,
        row_number() over (partition by system, source_id order by source_table) as place,
        count(*) over (partition by system, staff_name) as namesakes
    from {{ ref('input__staff') }}
),

collectors as (
    select distinct system, collector from corrected
),

candidates as (
    select
        collectors.system as records_system,
        collectors.collector,
        staff.system,
        staff.source_table,
        staff.source_id,
        staff.staff_name,
        row_number() over (
            partition by collectors.system, collectors.collector
            order by
                case when staff.system = collectors.system then 0 else 1 end,
                staff.system,
                staff.source_table,
                staff.source_id
        ) as choice
    from collectors
    inner join staff
        on (staff.system = collectors.system and staff.source_id = collectors.collector and staff.place = 1)
        or (concat('name ', staff.staff_name) = collectors.collector and staff.namesakes = 1)
),

worded as (
    select
        corrected.*,
        cast(cast(round(100 * observed, 1) as decimal(5, 1)) as varchar) as seen,
        cast(cast(round(100 * expected_by_colleagues, 1) as decimal(5, 1)) as varchar) as usual,
        cast(records as varchar) as n
    from corrected
),

final as (
    select
        coalesce(candidates.system, worded.system) as system,
        candidates.source_table,
        coalesce(candidates.source_id, worded.collector) as source_id,
        coalesce(candidates.staff_name, replace(worded.collector, 'name ', '')) as staff_name,
        worded.system as records_system,
        worded.test,
        worded.kind,
        cast(worded.records as bigint) as records,
        worded.observed,
        worded.expected_by_colleagues,
        worded.p_value,
        worded.q_value,
        worded.q_value <= {{ suspicion.false_discoveries }} as is_unusual,
        scores.score,
        scores.score >= {{ suspicion.least_score }} as is_suspected,
        {{ suspicion_evidence('en') }} as evidence_en,
        {{ suspicion_evidence('zh') }} as evidence_zh
    from worded
    inner join scores on worded.system = scores.system and worded.collector = scores.collector
    left join candidates
        on worded.system = candidates.records_system
        and worded.collector = candidates.collector
        and candidates.choice = 1
)

select * from final
