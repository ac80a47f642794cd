-- A record whose contact person another system knows under another name: nobody of that name is there, but
-- somebody with the same number or surname. Who is right only the customer can say, so that both sides are told. Two
-- buyers of one firm with different surnames and numbers are two people, and no conflict.
{%- set full_name = '^[一-鿿]{2,4}$' %}
{%- set title = title_pattern() %}
with

owners as (
    select system, source_table, source_id, customer_id from {{ source('identity', 'customer_xref') }}
),

records as (
    -- A placeholder has no normalised name.
    select
        described.customer_id, described.system, described.source_table, described.source_id,
        coalesce(described.trust, 0) as trust,
        coalesce(
            described.contact_name,
            case when described.party_type = 'person' and normalised.name_normalised is not null
                then described.customer_name end
        ) as person,
        described.contact_name is not null as is_contact,
        case when described.has_valid_mobile then described.mobile end as number
    from {{ ref('int_customer_records') }} as described
    left join {{ source('identity', 'records') }} as normalised
        on described.system = normalised.system
        and described.source_table = normalised.source_table
        and described.source_id = normalised.source_id
    where not coalesce(described.is_deleted, false)
),

contacts as (
    select
        owners.customer_id, passed.system, passed.source_table, passed.source_id,
        coalesce(systems.trust, 0) as trust,
        passed.contact_name as person,
        false as is_contact,
        {{ phone_digits('passed.customer_phone') }} as number
    from {{ source('quality', 'passed_contacts') }} as passed
    inner join owners
        on passed.system = owners.system
        and passed.source_table = owners.source_table
        and passed.source_id = owners.source_id
    left join {{ source('ops', 'systems') }} as systems on passed.system = systems.system
),

people as (
    select *, {{ simplified("replace(" ~ half_width('person') ~ ", ' ', '')") }} as name
    from (select * from records union all select * from contacts) as everybody
    where person is not null
),

named as (
    select * from people
    where {{ matches('name', full_name) }} and not {{ matches('name', title) }}
),

asked as (
    select * from named where is_contact
),

same_name as (
    select distinct asked.system, asked.source_table, asked.source_id
    from asked
    inner join named
        on asked.customer_id = named.customer_id and asked.name = named.name and asked.system <> named.system
),

-- Of several the most trusted one counts.
others as (
    select
        asked.system, asked.source_table, asked.source_id,
        named.person as other,
        named.system as other_from,
        row_number() over (
            partition by asked.system, asked.source_table, asked.source_id
            order by named.trust desc, named.system, named.source_table, named.source_id
        ) as place
    from asked
    inner join named
        on asked.customer_id = named.customer_id
        and asked.system <> named.system
        and asked.name <> named.name
        and (asked.number = named.number or left(asked.name, 1) = left(named.name, 1))
    anti join same_name
        on asked.system = same_name.system
        and asked.source_table = same_name.source_table
        and asked.source_id = same_name.source_id
),

final as (
    select system, source_table, source_id, other, other_from from others where place = 1
)

select * from final
