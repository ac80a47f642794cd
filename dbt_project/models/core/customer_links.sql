-- A person and the firm he buys for: a number or address of his own also stands in the firm's records, as its
-- contact's. Numbers and addresses that many share link nobody.
with

owned as (
    select
        owners.customer_id,
        golden.party_type,
        found.kind,
        found.value,
        found.system || '.' || found.source_table || '.' || found.source_id as record
    from {{ source('identity', 'identifiers') }} as found
    inner join {{ source('identity', 'customer_xref') }} as owners
        on found.system = owners.system
        and found.source_table = owners.source_table
        and found.source_id = owners.source_id
    inner join {{ ref('dim_customers') }} as golden on owners.customer_id = golden.customer_id
    where found.kind in ('phone', 'email') and not found.is_shared
),

met as (
    select
        people.customer_id as person_customer_id,
        firms.customer_id as firm_customer_id,
        people.kind,
        min(people.record || ' = ' || firms.record) as records
    from owned as people
    inner join owned as firms on people.kind = firms.kind and people.value = firms.value
    where people.party_type = 'person' and firms.party_type = 'organisation'
    group by people.customer_id, firms.customer_id, people.kind
),

-- Who is named as a contact in the firm's records or among its contacts.
contacts as (
    select customer_id, {{ comparable_text('contact_name') }} as contact_name
    from {{ ref('int_customer_records') }}
    where contact_name is not null
    union
    select owners.customer_id, {{ comparable_text('people.contact_name') }}
    from {{ source('quality', 'passed_contacts') }} as people
    inner join {{ source('identity', 'customer_xref') }} as owners
        on people.system = owners.system
        and people.source_table = owners.source_table
        and people.source_id = owners.source_id
    where people.contact_name is not null
),

named as (
    select customer_id, {{ comparable_text('customer_name') }} as person_name
    from {{ ref('int_customer_records') }}
    where customer_name is not null
),

called as (
    select distinct met.person_customer_id, met.firm_customer_id
    from met
    inner join named on met.person_customer_id = named.customer_id
    inner join contacts
        on met.firm_customer_id = contacts.customer_id
        and named.person_name = contacts.contact_name
),

final as (
    select
        met.person_customer_id,
        met.firm_customer_id,
        {{ joined_values('met.kind') }} as method,
        called.person_customer_id is not null as is_named_contact,
        min(met.records) as evidence
    from met
    left join called
        on met.person_customer_id = called.person_customer_id
        and met.firm_customer_id = called.firm_customer_id
    group by met.person_customer_id, met.firm_customer_id, called.person_customer_id
)

select * from final
