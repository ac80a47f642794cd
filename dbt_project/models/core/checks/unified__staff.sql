-- One row per row of input.staff that is an employee with enough records to compare.
with

suspicions as (
    select * from {{ ref('staff_suspicions') }}
    where source_table is not null
),

final as (
    select
        system,
        source_table,
        source_id,
        {%- for names in suspicion_kinds().values() %}
        {%- for test in names %}
        max(case when test = '{{ test }}' and is_unusual and is_suspected then 1 else 0 end) = 1
            as is_suspected_of_{{ test }},
        {%- endfor %}
        {%- endfor %}
        max(case when is_suspected then 1 else 0 end) = 1 as is_suspected_of_inventing,
        {{ joined_text("concat(evidence_zh, ' / ', evidence_en)", 'is_suspected and is_unusual', 'p_value, test') }}
            as evidence
    from suspicions
    group by system, source_table, source_id
)

select * from final
