-- One row per row of input.staff that is an employee with enough records to compare.
{%- set tests = suspicion_kinds().values() | sum(start=[]) %}
with

told as (
    select
        *,
        concat(evidence_zh, ' / ', evidence_en) as evidence,
        row_number() over (
            partition by system, source_table, source_id, records_system, kind order by q_value, p_value, test
        ) as place
    from {{ ref('staff_suspicions') }}
    where source_table is not null
),

final as (
    select
        system,
        source_table,
        source_id,
        {%- for test in tests %}
        max(case when test = '{{ test }}' and is_unusual and is_suspected then 1 else 0 end) = 1
            as is_suspected_of_{{ test }},
        max(case when test = '{{ test }}' and is_unusual and is_suspected then evidence end) as evidence_of_{{ test }},
        {%- endfor %}
        max(case when is_suspected then 1 else 0 end) = 1 as is_suspected_of_inventing,
        -- The best test of each kind that counts for something.
        {{ joined_text('evidence', 'is_suspected and place = 1 and q_value < 0.5', 'q_value, p_value, test') }}
            as evidence_of_inventing
    from told
    group by system, source_table, source_id
)

select * from final
