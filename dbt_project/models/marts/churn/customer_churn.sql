with

spells as (
    select * from {{ ref('int_spells') }} where confirmed_on <= {{ as_of() }}
),

evidence as (
    select * from {{ ref('int_churn_evidence') }}
),

orders as (
    select customer_id, ordered_on, amount_gross
    from {{ ref('fct_orders') }}
    where is_revenue and customer_id is not null and ordered_on <= {{ as_of() }}
),

-- Nothing older than 180 days before the last activity explains a loss, and nothing after it was confirmed.
explained as (
    select
        spells.customer_id,
        spells.spell_number,
        evidence.kind,
        evidence.reason,
        evidence.happened_on,
        evidence.system,
        evidence.source_table,
        evidence.source_id,
        row_number() over (
            partition by spells.customer_id, spells.spell_number
            order by
                evidence.strength, evidence.happened_on desc,
                evidence.system, evidence.source_table, evidence.source_id
        ) as preference
    from spells
    inner join evidence
        on spells.customer_id = evidence.customer_id
        and evidence.happened_on
            between {{ add_days('spells.last_active_on', -180) }} and spells.confirmed_on
),

value as (
    select
        spells.customer_id,
        spells.spell_number,
        cast(sum(orders.amount_gross) as decimal(18, 2)) as value_lost_gross
    from spells
    inner join orders
        on spells.customer_id = orders.customer_id
        and orders.ordered_on <= spells.last_active_on
        and orders.ordered_on > {{ add_days('spells.last_active_on', -365) }}
    group by spells.customer_id, spells.spell_number
),

returns as (
    select customer_id, spell_number, started_on from {{ ref('int_spells') }}
),

final as (
    select
        spells.customer_id,
        spells.spell_number,
        spells.is_contractual,
        spells.started_on,
        spells.last_active_on,
        spells.due_on as lost_on,
        spells.confirmed_on,
        coalesce(explained.kind, 'passive') as kind,
        coalesce(explained.reason, case when spells.is_contractual then 'not_renewed' else 'lapsed' end) as reason,
        explained.happened_on as evidence_on,
        explained.system as evidence_system,
        explained.source_table as evidence_table,
        explained.source_id as evidence_id,
        coalesce(value.value_lost_gross, 0) as value_lost_gross,
        returns.started_on as won_back_on
    from spells
    left join explained
        on spells.customer_id = explained.customer_id
        and spells.spell_number = explained.spell_number
        and explained.preference = 1
    left join value
        on spells.customer_id = value.customer_id
        and spells.spell_number = value.spell_number
    left join returns
        on spells.customer_id = returns.customer_id
        and spells.spell_number + 1 = returns.spell_number
)

select * from final
