-- Each firm, with its names and what they say of its place in a group. Branches and groups are told here only:
-- whatever identity learns about names, the hierarchy sees it through this model.
with

firms as (
    select customer_id, customer_name from {{ ref('dim_customers') }} where party_type = 'organisation'
),

recorded as (
    select distinct
        owners.customer_id,
        records.name_normalised as firm_name,
        records.core_name,
        records.firm_key is not null as is_registered_name
    from {{ source('identity', 'records') }} as records
    inner join {{ source('identity', 'customer_xref') }} as owners
        on records.system = owners.system
        and records.source_table = owners.source_table
        and records.source_id = owners.source_id
    inner join firms on owners.customer_id = firms.customer_id
    where records.party_type = 'organisation' and records.name_normalised is not null
),

-- A firm that only a ledger's rows name has no record: its golden name has to do.
written as (
    select * from recorded
    union all
    select
        firms.customer_id,
        {{ comparable_text('firms.customer_name') }} as firm_name,
        cast(null as varchar) as core_name,
        {{ matches('firms.customer_name', '公司$|集团$|厂$') }} as is_registered_name
    from firms
    left join recorded on firms.customer_id = recorded.customer_id
    where recorded.customer_id is null and firms.customer_name is not null
),

named as (
    select
        *,
        {{ is_branch_name('firm_name') }} as is_branch_name,
        {{ is_latin_branch_name('firm_name') }} as is_latin_branch_name,
        {{ is_group_name('firm_name') }} as is_group_name
    from written
),

-- A customer that also stands under a registered name of its own is a firm, whatever its other names say.
placed as (
    select
        customer_id,
        bool_or(is_branch_name or is_latin_branch_name)
        and not bool_or(is_registered_name and not is_branch_name and not is_latin_branch_name) as is_below,
        bool_and(is_branch_name) as has_branch_names_only,
        bool_or(is_group_name and not is_branch_name and not is_latin_branch_name) as has_group_name
    from named
    group by customer_id
),

final as (
    select
        named.customer_id,
        named.firm_name,
        named.core_name,
        {{ firm_brand('named.core_name') }} as brand,
        named.is_registered_name,
        named.is_branch_name or named.is_latin_branch_name as is_branch_name,
        placed.is_below,
        placed.is_below and placed.has_branch_names_only as is_branch,
        placed.has_group_name and not placed.is_below as is_group
    from named
    inner join placed on named.customer_id = placed.customer_id
)

select * from final
