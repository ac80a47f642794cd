-- All values of an attribute of a customer, the believed one first: valid before invalid; then by trust, to which
-- agreement between systems adds; then by the number of systems that agree; then by recency; then in a fixed
-- order of sources. No two values are equal in all of it, so the order of the rows never decides.
-- Most values stand in one row and have no rival. Only the others are sorted and listed, which costs the time.
{%- set agreement_bonus = 10 %}
{%- set source_order = 'system, source_table, source_id, value' %}
with

candidates as (
    select * from {{ ref('int_attribute_candidates') }}
),

held as (
    select
        customer_id,
        attribute,
        value_compared,
        count(*) as source_records,
        coalesce(max(trust), 0) as most_trust,
        max(updated_at) as newest_at,
        min(system) as first_system,
        max(system) as last_system
    from candidates
    group by customer_id, attribute, value_compared
),

told as (
    select
        candidates.*,
        held.source_records,
        held.most_trust,
        held.newest_at,
        held.first_system <> held.last_system as is_agreed
    from candidates
    inner join held
        on candidates.customer_id = held.customer_id
        and candidates.attribute = held.attribute
        and candidates.value_compared = held.value_compared
),

agreeing as (
    select
        customer_id,
        attribute,
        value_compared,
        count(distinct system) as source_systems,
        {{ joined_values('system') }} as held_by
    from told
    where is_agreed
    group by customer_id, attribute, value_compared
),

-- The row that stands for a value: a name written in full first, then as the values themselves are ordered.
spelled as (
    select *, 1 as spelling from told where source_records = 1
    union all
    select
        *,
        row_number() over (
            partition by customer_id, attribute, value_compared
            order by is_usable desc, is_in_full desc, trust desc, updated_at desc nulls last, {{ source_order }}
        ) as spelling
    from told
    where source_records > 1
),

contested as (
    select customer_id, attribute from held group by customer_id, attribute having count(*) > 1
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
        spelled.source_records,
        coalesce(agreeing.source_systems, 1) as source_systems,
        coalesce(agreeing.held_by, spelled.system) as held_by,
        spelled.most_trust as trust,
        spelled.most_trust + case when spelled.is_agreed then {{ agreement_bonus }} else 0 end as weight,
        spelled.newest_at as updated_at,
        contested.customer_id is not null as is_contested
    from spelled
    left join agreeing
        on spelled.customer_id = agreeing.customer_id
        and spelled.attribute = agreeing.attribute
        and spelled.value_compared = agreeing.value_compared
    left join contested
        on spelled.customer_id = contested.customer_id
        and spelled.attribute = contested.attribute
    where spelled.spelling = 1
),

ranked as (
    select *, 1 as value_rank from weighed where not is_contested
    union all
    select
        *,
        row_number() over (
            partition by customer_id, attribute
            order by
                is_usable desc, weight desc, source_systems desc, updated_at desc nulls last, {{ source_order }}
        ) as value_rank
    from weighed
    where is_contested
),

rivals as (
    select * from ranked where is_contested and value_rank <= 2
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
    left join rivals
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
