with recursive

ids as (
    select customer_id, status, merged_into, minted_at from {{ source('identity', 'customer_ids') }}
),

-- What the log said last of an id as a whole; splits and moves leave the id in force.
changes as (
    select
        *,
        row_number() over (partition by customer_id order by change_id desc) as age
    from {{ source('identity', 'customer_id_changes') }}
    where kind in ('minted', 'merged', 'retired', 'restored')
),

last_words as (
    select customer_id, kind, other_customer_id, changed_at, reason, run_id from changes where age = 1
),

-- An id whose survivor was itself merged later.
followed as (
    select customer_id, other_customer_id, changed_at from last_words where kind = 'merged'
    union all
    select followed.customer_id, last_words.other_customer_id, greatest(followed.changed_at, last_words.changed_at)
    from followed
    inner join last_words on followed.other_customer_id = last_words.customer_id
    where last_words.kind = 'merged'
),

settled as (
    select customer_id, max(changed_at) as since from followed group by customer_id
),

final as (
    select
        ids.customer_id,
        coalesce(ids.merged_into, ids.customer_id) as present_customer_id,
        ids.status,
        last_words.other_customer_id as merged_into_customer_id,
        coalesce(settled.since, last_words.changed_at, ids.minted_at) as since,
        last_words.reason,
        last_words.run_id,
        ids.minted_at
    from ids
    left join last_words on ids.customer_id = last_words.customer_id
    left join settled on ids.customer_id = settled.customer_id
)

select * from final
