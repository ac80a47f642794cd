-- Which firm stands above which. A branch may only stand below a firm, and a firm only below a group, so that
-- there is no way to a circle. Where two parents are equally likely, none is taken.
with

firms as (
    select * from {{ ref('int_firms') }}
),

evidence as (
    select * from {{ ref('int_firm_evidence') }}
),

customers as (
    select
        golden.customer_id,
        coalesce(bool_or(firms.is_below), false) as is_below,
        coalesce(bool_or(firms.is_branch), false) as is_branch,
        coalesce(bool_or(firms.is_group), false) as is_group
    from {{ ref('dim_customers') }} as golden
    left join firms on golden.customer_id = firms.customer_id
    where golden.party_type = 'organisation'
    group by golden.customer_id
),

branches as (
    select distinct customer_id, head_key, core_name from firms where is_below and is_branch_name
),

-- A branch's name holds its firm's: the registered name in full, or a shorter one, which must be borne out.
by_name as (
    select branches.customer_id, heads.customer_id as parent_customer_id, 'registered_name' as method, 1 as priority
    from branches
    inner join firms as heads on branches.head_key = heads.firm_key
    where not heads.is_below and not heads.is_branch_name
    union
    select branches.customer_id, heads.customer_id, 'short_name', 3
    from branches
    inner join firms as heads on branches.core_name = heads.core_name
    where not heads.is_below and not heads.is_branch_name
),

below as (
    select evidence.*, customers.is_below
    from evidence
    inner join customers on evidence.customer_id = customers.customer_id
    where not customers.is_group
),

above as (
    select evidence.*, customers.is_group
    from evidence
    inner join customers on evidence.customer_id = customers.customer_id
    where not customers.is_below
),

-- A branch that is invoiced under its head's number; firms of one brand around a group.
by_evidence as (
    select below.customer_id, above.customer_id as parent_customer_id, 'credit_code' as method, 2 as priority
    from below
    inner join above on below.kind = above.kind and below.value = above.value
    where below.is_below and below.kind = 'credit_code'
    union
    select below.customer_id, above.customer_id, 'group_name', 4
    from below
    inner join above
        on below.kind = above.kind
        and below.value = above.value
        and below.brand = above.brand
    where above.is_group
),

candidates as (
    select * from by_name
    union all
    select * from by_evidence
),

shared as (
    select
        pairs.customer_id,
        pairs.parent_customer_id,
        count(distinct below.kind) as kinds,
        {{ joined_values('below.kind') }} as evidence
    from (select distinct customer_id, parent_customer_id from candidates) as pairs
    inner join evidence as below on pairs.customer_id = below.customer_id
    inner join evidence as above
        on pairs.parent_customer_id = above.customer_id
        and below.kind = above.kind
        and below.value = above.value
    group by pairs.customer_id, pairs.parent_customer_id
),

ranked as (
    select
        candidates.*,
        shared.evidence,
        rank() over (
            partition by candidates.customer_id
            order by candidates.priority, coalesce(shared.kinds, 0) desc
        ) as place
    from candidates
    left join shared
        on candidates.customer_id = shared.customer_id
        and candidates.parent_customer_id = shared.parent_customer_id
    where candidates.method <> 'short_name' or shared.customer_id is not null
),

parents as (
    select customer_id, max(parent_customer_id) as parent_customer_id, max(method) as method, max(evidence) as evidence
    from ranked
    where place = 1
    group by customer_id
    having count(*) = 1
),

final as (
    select
        customers.customer_id,
        parents.parent_customer_id,
        coalesce(grandparents.parent_customer_id, parents.parent_customer_id, customers.customer_id)
            as group_customer_id,
        case
            when grandparents.parent_customer_id is not null then 2
            when parents.parent_customer_id is not null then 1
            else 0
        end as level,
        parents.method,
        parents.evidence,
        customers.is_branch or coalesce(customers.is_below and parents.method <> 'group_name', false) as is_branch
    from customers
    left join parents on customers.customer_id = parents.customer_id
    left join parents as grandparents on parents.parent_customer_id = grandparents.customer_id
)

select * from final
