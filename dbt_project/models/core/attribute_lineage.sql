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
        held.first_system,
        held.last_system
    from candidates
    inner join held
        on candidates.customer_id = held.customer_id
        and candidates.attribute = held.attribute
        and candidates.value_compared = held.value_compared
),

-- Seldom do more than two systems hold a value.
further as (
    select
        customer_id,
        attribute,
        value_compared,
        count(distinct system) as further_systems,
        {{ joined_values('system') }} as held_by
    from told
    where system > first_system and system < last_system
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

held_together as (
    select
        spelled.*,
        case when spelled.first_system = spelled.last_system then 1 else 2 + coalesce(further.further_systems, 0) end
            as source_systems,
        case
            when spelled.first_system = spelled.last_system then spelled.system
            else spelled.first_system || coalesce(', ' || further.held_by, '') || ', ' || spelled.last_system
        end as held_by,
        contested.customer_id is not null as is_contested
    from spelled
    left join further
        on spelled.customer_id = further.customer_id
        and spelled.attribute = further.attribute
        and spelled.value_compared = further.value_compared
    left join contested
        on spelled.customer_id = contested.customer_id
        and spelled.attribute = contested.attribute
    where spelled.spelling = 1
),

weighed as (
    select
        customer_id,
        attribute,
        value,
        is_usable,
        party_type,
        system,
        source_table,
        source_id,
        source_records,
        source_systems,
        held_by,
        most_trust as trust,
        most_trust + case when source_systems > 1 then {{ agreement_bonus }} else 0 end as weight,
        newest_at as updated_at,
        is_contested
    from held_together
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
