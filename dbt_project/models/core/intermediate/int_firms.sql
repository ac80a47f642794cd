-- Each firm, with its names and what they say of its place in a group. Branches and groups are told here only:
-- whatever identity learns about names, the hierarchy sees it through this model.
with

firms as (
    select customer_id from {{ ref('dim_customers') }} where party_type = 'organisation'
),

named as (
    select distinct
        owners.customer_id,
        records.name_normalised as firm_name,
        records.core_name,
        records.firm_key,
        records.head_key,
        records.branch is not null as is_branch_name,
        records.branch is null and {{ is_group_name('records.name_normalised') }} as is_group_name
    from {{ source('identity', 'records') }} as records
    inner join {{ source('identity', 'customer_xref') }} as owners
        on records.system = owners.system
        and records.source_table = owners.source_table
        and records.source_id = owners.source_id
    inner join firms on owners.customer_id = firms.customer_id
    where records.party_type = 'organisation' and records.name_normalised is not null
),

-- A customer that also stands under a registered name of its own is a firm, whatever its other names say.
placed as (
    select
        customer_id,
        bool_or(is_branch_name) and not bool_or(firm_key is not null and not is_branch_name) as is_below,
        bool_and(is_branch_name) as has_branch_names_only,
        bool_or(is_group_name) as has_group_name
    from named
    group by customer_id
),

final as (
    select
        named.customer_id,
        named.firm_name,
        named.core_name,
        {{ firm_brand('named.core_name') }} as brand,
        named.firm_key,
        named.head_key,
        named.is_branch_name,
        placed.is_below,
        placed.has_branch_names_only as is_branch,
        placed.has_group_name and not placed.is_below as is_group
    from named
    inner join placed on named.customer_id = placed.customer_id
)

select * from final
