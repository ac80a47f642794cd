-- Where a customer's records in two systems say different things. Believed is what more systems say, then what the
-- more trusted one says; the other record is told so, with the value and the system that has it. Compared are
-- normalised forms, and only values that could be right: a number that can be dialled, a code whose check digit is
-- right, a name in full.
{%- set attributes = {
    'owner': {'compared': comparable_text('owner_name'), 'shown': 'owner_name'},
    'province': {'compared': 'province', 'shown': 'coalesce(region, province)', 'when': 'branch is null'},
    'city': {'compared': 'city', 'shown': "coalesce(region, province || city, city)", 'when': 'branch is null'},
    'code': {'compared': 'credit_code_normalised', 'shown': 'credit_code_normalised', 'when': 'branch is null'},
    'firm_name': {
        'compared': 'core_name',
        'shown': 'customer_name',
        'when': "party_type = 'organisation' and has_registered_name and branch is null",
    },
    'person_name': {
        'compared': 'name_normalised',
        'shown': 'customer_name',
        'when': "party_type = 'person' and " ~ matches('name_normalised', '^[一-鿿]{2,4}$'),
    },
    'mobile': {'compared': 'mobile', 'shown': 'mobile', 'when': 'has_valid_mobile'},
} %}
with

systems_of as (
    select customer_id
    from {{ ref('int_customer_records') }}
    group by customer_id
    having min(system) <> max(system)
),

records as (
    select
        described.customer_id,
        described.system,
        described.source_table,
        described.source_id,
        coalesce(described.trust, 0) as trust,
        described.party_type,
        described.customer_name,
        described.has_registered_name,
        described.mobile,
        described.has_valid_mobile,
        described.region,
        described.owner_name,
        normalised.name_normalised,
        normalised.core_name,
        normalised.branch,
        normalised.credit_code_normalised,
        normalised.province,
        normalised.city
    from {{ ref('int_customer_records') }} as described
    inner join systems_of on described.customer_id = systems_of.customer_id
    inner join {{ source('identity', 'records') }} as normalised
        on described.system = normalised.system
        and described.source_table = normalised.source_table
        and described.source_id = normalised.source_id
    where not coalesce(described.is_deleted, false)
),

told as (
    {% for attribute, rules in attributes.items() %}
    select
        customer_id, system, source_table, source_id, trust,
        '{{ attribute }}' as attribute,
        {{ rules.compared }} as compared,
        {{ rules.shown }} as shown
    from records
    where {{ rules.compared }} is not null and {{ rules.get('when', 'true') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

contested as (
    select customer_id, attribute
    from told
    group by customer_id, attribute
    having min(compared) <> max(compared) and min(system) <> max(system)
),

-- A number counts where a contact has it, too.
votes as (
    select told.customer_id, told.attribute, told.compared, told.system
    from told
    inner join contested on told.customer_id = contested.customer_id and told.attribute = contested.attribute
    union
    select records.customer_id, contested.attribute, numbers.value, numbers.system
    from contested
    inner join records on contested.customer_id = records.customer_id
    inner join {{ source('identity', 'identifiers') }} as numbers
        on records.system = numbers.system
        and records.source_table = numbers.source_table
        and records.source_id = numbers.source_id
    where contested.attribute = 'mobile' and numbers.kind = 'phone'
),

-- In how many systems a value stands. Who looks after a customer is for the most trusted one to say: the others
-- keep the name of the first owner, and agree in that.
held as (
    select
        customer_id,
        attribute,
        compared,
        case when attribute = 'owner' then 1 else count(*) end as systems
    from votes
    group by customer_id, attribute, compared
),

disputed as (
    select
        told.*,
        row_number() over (
            partition by told.customer_id, told.attribute
            order by held.systems desc, told.trust desc, told.system, told.source_table, told.source_id
        ) as place
    from told
    inner join held
        on told.customer_id = held.customer_id
        and told.attribute = held.attribute
        and told.compared = held.compared
),

-- All that the system of the believed value says; it may hold two records of the customer.
believed as (
    select disputed.customer_id, disputed.attribute, disputed.compared, best.system
    from disputed
    inner join disputed as best
        on disputed.customer_id = best.customer_id
        and disputed.attribute = best.attribute
        and disputed.system = best.system
        and best.place = 1
    group by all
),

final as (
    select
        disputed.customer_id,
        disputed.system,
        disputed.source_table,
        disputed.source_id,
        disputed.attribute,
        disputed.compared,
        best.compared as other_compared,
        best.shown as other,
        best.system as other_from,
        best.source_table as other_source_table,
        best.source_id as other_source_id
    from disputed
    inner join disputed as best
        on disputed.customer_id = best.customer_id
        and disputed.attribute = best.attribute
        and best.place = 1
    left join believed
        on disputed.customer_id = believed.customer_id
        and disputed.attribute = believed.attribute
        and disputed.compared = believed.compared
    where disputed.system <> best.system and believed.customer_id is null
)

select * from final
