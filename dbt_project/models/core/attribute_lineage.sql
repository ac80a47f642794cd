-- All values of an attribute of a customer, the believed one first: valid before invalid; then by trust, to which
-- agreement between systems adds; then by the number of systems that agree; then by recency; then in a fixed
-- order of sources. No two values are equal in all of it, so the order of the rows never decides.
{%- set agreement_bonus = 10 %}
{%- set same_value = 'partition by customer_id, attribute, value_compared' %}
{%- set same_attribute = 'partition by customer_id, attribute' %}
{%- set source_order = 'system, source_table, source_id, value' %}
with

candidates as (
    select * from {{ ref('int_attribute_candidates') }}
),

-- The spelling and the row that stand for a value: written in full, then as the values themselves are ordered.
spelled as (
    select
        *,
        row_number() over (
            {{ same_value }}
            order by is_usable desc, is_in_full desc, trust desc, updated_at desc nulls last, {{ source_order }}
        ) as spelling
    from candidates
),

held as (
    select
        customer_id,
        attribute,
        value_compared,
        count(*) as source_records,
        count(distinct system) as source_systems,
        {{ joined_values('system') }} as held_by,
        coalesce(max(trust), 0) as trust,
        max(updated_at) as updated_at
    from candidates
    group by customer_id, attribute, value_compared
),

weighed as (
    select
        spelled.customer_id,
        spelled.attribute,
        spelled.value,
        spelled.is_usable,
        spelled.party_type,
        spelled.system,
        spelled.source_table,
        spelled.source_id,
        held.source_records,
        held.source_systems,
        held.held_by,
        held.trust,
        held.updated_at,
        held.trust + case when held.source_systems > 1 then {{ agreement_bonus }} else 0 end as weight
    from spelled
    inner join held
        on spelled.customer_id = held.customer_id
        and spelled.attribute = held.attribute
        and spelled.value_compared = held.value_compared
    where spelled.spelling = 1
),

ranked as (
    select
        *,
        row_number() over (
            {{ same_attribute }}
            order by
                is_usable desc, weight desc, source_systems desc, updated_at desc nulls last,
                {{ source_order }}
        ) as value_rank
    from weighed
),

-- The winner is judged against the runner-up, every other value against the winner.
judged as (
    select
        ranked.*,
        ranked.value_rank = 1 as is_winner,
        case
            when rivals.customer_id is null then 'undisputed'
            when ranked.is_usable <> rivals.is_usable then 'validity'
            when (ranked.value_rank = 1) = (ranked.trust > rivals.trust) and ranked.trust <> rivals.trust then 'trust'
            when ranked.weight <> rivals.weight or ranked.source_systems <> rivals.source_systems then 'agreement'
            when ranked.updated_at is distinct from rivals.updated_at then 'recency'
            else 'source_order'
        end as criterion
    from ranked
    left join ranked as rivals
        on ranked.customer_id = rivals.customer_id
        and ranked.attribute = rivals.attribute
        and rivals.value_rank = case when ranked.value_rank = 1 then 2 else 1 end
),

final as (
    select
        customer_id,
        attribute,
        cast(value_rank as integer) as value_rank,
        is_winner,
        value,
        case criterion
            when 'validity' then case when is_winner then 'only_usable' else 'not_usable' end
            when 'trust' then case when is_winner then 'most_trusted' else 'less_trusted' end
            when 'agreement' then case when is_winner then 'agreed' else 'outvoted' end
            when 'recency' then case when is_winner then 'newest' else 'older' end
            else criterion
        end as reason,
        system,
        source_table,
        source_id,
        party_type,
        held_by,
        source_systems,
        source_records,
        trust,
        is_usable,
        updated_at
    from judged
)

select * from final
