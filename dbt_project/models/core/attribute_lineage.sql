with

candidates as (
    select * from {{ ref('int_attribute_candidates') }}
),

winners as (
    select * from candidates where preference = 1
),

rivals as (
    select
        candidates.customer_id,
        candidates.attribute,
        bool_or(candidates.is_usable) as has_usable_rival,
        max(case when candidates.is_usable = winners.is_usable then candidates.trust end) as rival_trust,
        max(case
            when candidates.is_usable = winners.is_usable and candidates.trust = winners.trust
                then candidates.updated_at
        end) as rival_updated_at
    from candidates
    inner join winners
        on candidates.customer_id = winners.customer_id
        and candidates.attribute = winners.attribute
        and candidates.value <> winners.value
    group by candidates.customer_id, candidates.attribute
),

final as (
    select
        winners.customer_id,
        winners.attribute,
        winners.value,
        winners.system,
        winners.source_table,
        winners.source_id,
        case
            when rivals.customer_id is null then 'undisputed'
            when winners.is_usable and not rivals.has_usable_rival then 'only_usable'
            when winners.trust > rivals.rival_trust then 'most_trusted'
            when rivals.rival_updated_at is null or winners.updated_at > rivals.rival_updated_at then 'newest'
            else 'source_order'
        end as reason
    from winners
    left join rivals
        on winners.customer_id = rivals.customer_id
        and winners.attribute = rivals.attribute
)

select * from final
