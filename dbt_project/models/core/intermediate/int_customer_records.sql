-- Each source row that describes a customer, with its customer and its normalised keys.
-- A customer that only transactions name (a ledger row, say) is described by those rows,
-- at half their system's trust: a name jotted on a payment is worth less than a master record.
with

owners as (
    select system, source_table, source_id, customer_id, method
    from {{ source('identity', 'customer_xref') }}
),

-- What identity takes the customer as a whole for: a firm as soon as one of its records is a firm's.
kinds as (
    select customer_id, party_type from {{ source('identity', 'customer_ids') }}
),

systems as (
    select system, trust from {{ source('ops', 'systems') }}
),

masters as (
    select
        owners.customer_id,
        records.system,
        records.source_table,
        records.source_id,
        systems.trust,
        normalised.party_type,
        kinds.party_type as customer_party_type,
        records.customer_name,
        coalesce(normalised.core_name, normalised.name_normalised) as name_compared,
        coalesce(normalised.name_normalised is not null, false) as has_usable_name,
        coalesce(normalised.firm_key is not null, false) as has_registered_name,
        records.contact_name,
        coalesce(normalised.mobile_normalised, records.mobile) as mobile,
        coalesce(normalised.mobile_normalised is not null, false) as has_valid_mobile,
        coalesce(normalised.phone_normalised, records.phone) as phone,
        coalesce(normalised.phone_normalised is not null, false) as has_valid_phone,
        coalesce(normalised.email_normalised, records.email) as email,
        coalesce(normalised.email_normalised is not null, false) as has_valid_email,
        records.wechat_id,
        coalesce(normalised.credit_code_normalised, records.credit_code) as credit_code,
        coalesce(normalised.credit_code_normalised is not null, false) as has_valid_credit_code,
        records.region,
        records.address,
        records.industry,
        records.owner_name,
        records.is_deleted,
        records.is_blocked,
        records.created_at,
        records.updated_at
    from {{ source('quality', 'passed_customers') }} as records
    inner join owners
        on records.system = owners.system
        and records.source_table = owners.source_table
        and records.source_id = owners.source_id
    inner join {{ source('identity', 'records') }} as normalised
        on records.system = normalised.system
        and records.source_table = normalised.source_table
        and records.source_id = normalised.source_id
    left join kinds on owners.customer_id = kinds.customer_id
    left join systems on records.system = systems.system
),

described as (
    select distinct customer_id from masters
),

{% set mentioning = {'orders': 'ordered_at', 'payments': 'paid_at', 'contracts': 'signed_on',
                     'receivables': 'due_on', 'service_costs': 'incurred_on', 'quotes': 'quoted_at'} %}
mentions as (
    {% for entity, seen_at in mentioning.items() %}
    select
        owners.customer_id, rows.system, rows.source_table, rows.source_id,
        rows.customer_name, rows.customer_phone, rows.customer_email,
        cast(rows.{{ seen_at }} as timestamp) as seen_at
    from {{ source('quality', 'passed_' ~ entity) }} as rows
    inner join owners
        on rows.system = owners.system
        and rows.source_table = owners.source_table
        and rows.source_id = owners.source_id
    where owners.method <> 'reference'
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

only_mentioned as (
    select
        mentions.customer_id,
        mentions.system,
        mentions.source_table,
        mentions.source_id,
        systems.trust / 2 as trust,
        kinds.party_type,
        mentions.customer_name,
        mentions.customer_phone,
        mentions.customer_email,
        mentions.seen_at
    from mentions
    left join described on mentions.customer_id = described.customer_id
    left join kinds on mentions.customer_id = kinds.customer_id
    left join systems on mentions.system = systems.system
    where described.customer_id is null
),

final as (
    select * from masters
    union all
    select
        customer_id,
        system,
        source_table,
        source_id,
        trust,
        party_type,
        party_type as customer_party_type,
        customer_name,
        cast(null as varchar) as name_compared,
        true as has_usable_name,
        false as has_registered_name,
        cast(null as varchar) as contact_name,
        customer_phone as mobile,
        false as has_valid_mobile,
        cast(null as varchar) as phone,
        false as has_valid_phone,
        customer_email as email,
        false as has_valid_email,
        cast(null as varchar) as wechat_id,
        cast(null as varchar) as credit_code,
        false as has_valid_credit_code,
        cast(null as varchar) as region,
        cast(null as varchar) as address,
        cast(null as varchar) as industry,
        cast(null as varchar) as owner_name,
        false as is_deleted,
        false as is_blocked,
        seen_at as created_at,
        seen_at as updated_at
    from only_mentioned
)

select * from final
