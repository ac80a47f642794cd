{%- set limits = var('quality') %}
{%- set title = title_pattern() %}
with

owners as (
    select system, source_table, source_id, customer_id from {{ source('identity', 'customer_xref') }}
),

kinds as (
    select customer_id, party_type from {{ source('identity', 'customer_ids') }}
),

groups as (
    select customer_id, group_customer_id from {{ ref('customer_hierarchy') }}
),

records as (
    select
        passed.system,
        passed.source_table,
        passed.source_id,
        owners.customer_id,
        kinds.party_type as customer_party_type,
        coalesce(groups.group_customer_id, owners.customer_id) as group_id,
        coalesce(passed.is_deleted, false) as is_deleted,
        passed.customer_name,
        passed.owner_name,
        normalised.party_type,
        normalised.name_normalised,
        normalised.core_name,
        normalised.firm_key,
        normalised.branch,
        normalised.surname,
        case when {{ matches('normalised.name_normalised', '^[一-鿿]{2,4}$') }}
            and not {{ matches('normalised.name_normalised', title) }} then normalised.name_normalised end
            as full_name,
        normalised.address_normalised,
        normalised.mobile_normalised,
        normalised.mobile_normalised as first_number,
        normalised.phone_normalised as second_number
    from {{ source('quality', 'passed_customers') }} as passed
    inner join owners
        on passed.system = owners.system
        and passed.source_table = owners.source_table
        and passed.source_id = owners.source_id
    inner join {{ source('identity', 'records') }} as normalised
        on passed.system = normalised.system
        and passed.source_table = normalised.source_table
        and passed.source_id = normalised.source_id
    left join kinds on owners.customer_id = kinds.customer_id
    left join groups on owners.customer_id = groups.customer_id
),

-- ---- what other systems say ---------------------------------------------------------------------------------
conflicts as (
    select * from {{ ref('int_customer_conflicts') }}
),

-- Two numbers are no conflict where one record, or its contacts, hold both: then both are kept.
numbers as (
    select system, source_table, source_id, value as number
    from {{ source('identity', 'identifiers') }}
    where kind = 'phone'
),

kept_both as (
    select distinct conflicts.system, conflicts.source_table, conflicts.source_id
    from conflicts
    inner join numbers
        on (
            conflicts.system = numbers.system
            and conflicts.source_table = numbers.source_table
            and conflicts.source_id = numbers.source_id
            and conflicts.other_compared = numbers.number
        )
    where conflicts.attribute = 'mobile'
    union
    select distinct conflicts.system, conflicts.source_table, conflicts.source_id
    from conflicts
    inner join numbers
        on conflicts.other_from = numbers.system
        and conflicts.other_source_table = numbers.source_table
        and conflicts.other_source_id = numbers.source_id
        and conflicts.compared = numbers.number
    where conflicts.attribute = 'mobile'
),

conflicting as (
    select
        conflicts.system,
        conflicts.source_table,
        conflicts.source_id,
        {% for column, told in {
            'name': "attribute in ('firm_name', 'person_name')", 'phone': "attribute = 'mobile'",
            'region': "attribute in ('province', 'city')", 'owner': "attribute = 'owner'",
            'code': "attribute = 'code'",
        }.items() %}
        max(case when {{ told }} then other end) as {{ column }}_other,
        max(case when {{ told }} then other_from end) as {{ column }}_from{{ ',' if not loop.last }}
        {% endfor %}
    from conflicts
    left join kept_both
        on conflicts.system = kept_both.system
        and conflicts.source_table = kept_both.source_table
        and conflicts.source_id = kept_both.source_id
    where not (conflicts.attribute = 'mobile' and kept_both.source_id is not null)
    group by conflicts.system, conflicts.source_table, conflicts.source_id
),

contacts as (
    select * from {{ ref('int_contact_conflicts') }}
),

-- ---- one person twice in a system, and two on one number -------------------------------------------------------
resolved_twice as (
    select system, source_table, customer_id, min(source_id) as first_source_id, max(source_id) as last_source_id
    from records
    where not is_deleted and branch is null
    group by system, source_table, customer_id
    having count(*) > 1
),

-- By what two records of one person meet: each number, and an address with a house number.
meeting as (
    select *, first_number as met_at from records where first_number is not null
    union all
    select *, second_number from records where second_number is not null
    union all
    select *, address_normalised from records where {{ matches('address_normalised', '[0-9]') }}
),

several as (
    select met_at from meeting group by met_at having count(*) between 2 and {{ limits.phone_records }}
),

-- Identity kept them apart, for one of them stands under a title only; somebody who knows them can tell.
alike as (
    select one.system, one.source_table, one.source_id, min(other.source_id) as other_source_id
    from meeting as one
    inner join several on one.met_at = several.met_at
    inner join meeting as other
        on one.met_at = other.met_at
        and one.system = other.system
        and one.source_table = other.source_table
        and one.source_id <> other.source_id
        and one.customer_id <> other.customer_id
        and one.surname = other.surname
    where
        one.customer_party_type = 'person' and other.customer_party_type = 'person'
        and not one.is_deleted and not other.is_deleted
        and coalesce(one.full_name = other.full_name, true)
    group by one.system, one.source_table, one.source_id
),

each_number as (
    select
        system, source_table, source_id, group_id, customer_party_type, full_name, surname,
        first_number as number, true as is_mobile
    from records
    where first_number is not null
    union all
    select system, source_table, source_id, group_id, customer_party_type, full_name, surname, second_number, false
    from records
    where second_number is not null
),

users as (
    select
        number,
        count(distinct group_id) as customers,
        count(distinct case when customer_party_type = 'person' then full_name end) as full_names,
        count(distinct case when customer_party_type = 'person' then surname end) as surnames
    from each_number
    group by number
    -- Numbers on more records are told at gate 1 already.
    having min(group_id) <> max(group_id) and count(*) < {{ limits.phone_records }}
),

used as (
    select
        each_number.system,
        each_number.source_table,
        each_number.source_id,
        max(users.customers) as customers,
        bool_or(each_number.is_mobile and (users.full_names > 1 or users.surnames > 1)) as is_of_two_people
    from each_number
    inner join users on each_number.number = users.number
    group by each_number.system, each_number.source_table, each_number.source_id
),

-- ---- looked after by somebody who has left -----------------------------------------------------------------
leavers as (
    select staff_name, left_on from {{ ref('int_leavers') }}
),

-- A list in which most firms stand under what colleagues call them (WeChat remarks) isn't meant to hold full names.
registers as (
    select
        system,
        source_table,
        count(firm_key) >= {{ limits.registered_share }} * count(*) as is_of_registered_names
    from records
    where customer_party_type = 'organisation' and party_type is distinct from 'person'
    group by system, source_table
),

rhythms as (
    select customer_id, contact_days, usual_gap_days, silent_days, untouched_days from {{ ref('int_customer_rhythms') }}
),

-- For years without a touch; but of whom neither number, e-mail address nor code is known, nobody can tell what he
-- does in other systems.
untouched as (
    select distinct records.customer_id
    from records
    inner join rhythms on records.customer_id = rhythms.customer_id
    inner join {{ source('identity', 'identifiers') }} as known
        on records.system = known.system
        and records.source_table = known.source_table
        and records.source_id = known.source_id
    where
        rhythms.untouched_days > {{ limits.untouched_years }} * 365.25
        and known.kind <> 'wechat' and not known.is_shared
),

final as (
    select
        records.system,
        records.source_table,
        records.source_id,
        {% for column in ['name', 'phone', 'region', 'owner', 'code'] %}
        conflicting.{{ column }}_other is not null as has_conflicting_{{ column }},
        conflicting.{{ column }}_other,
        conflicting.{{ column }}_from,
        {% endfor %}
        contacts.other is not null as has_conflicting_contact,
        contacts.other as contact_other,
        contacts.other_from as contact_from,
        alike.source_id is not null
            or (resolved_twice.customer_id is not null and not records.is_deleted and records.branch is null)
            as is_possible_duplicate,
        case
            when resolved_twice.customer_id is null then alike.other_source_id
            when records.source_id = resolved_twice.first_source_id then resolved_twice.last_source_id
            else resolved_twice.first_source_id
        end as duplicate_other,
        coalesce(used.customers >= {{ limits.phone_customers }}, false) as is_phone_of_many,
        coalesce(
            used.is_of_two_people
            and used.customers < {{ limits.phone_customers }}
            and records.customer_party_type = 'person',
            false
        ) as is_phone_of_two_people,
        leavers.staff_name is not null and not records.is_deleted as is_owner_gone,
        leavers.left_on as owner_left_on,
        coalesce(
            case
                when rhythms.contact_days >= {{ limits.rhythm_contact_days }}
                    then rhythms.silent_days > {{ limits.silence_least_days }}
                        and rhythms.silent_days > {{ limits.silence_gaps }} * rhythms.usual_gap_days
                else untouched.customer_id is not null
            end
            and not records.is_deleted,
            false
        ) as is_silent,
        cast(rhythms.usual_gap_days as integer) as usual_gap_days,
        cast(rhythms.silent_days as integer) as silent_days,
        records.branch is not null as is_office,
        coalesce(records.firm_key like '|%' and records.branch is null, false) as is_name_without_city,
        coalesce(
            records.customer_party_type = 'organisation'
            and records.party_type is distinct from 'person'
            and records.firm_key is null
            and records.branch is null
            and records.name_normalised is not null
            and registers.is_of_registered_names,
            false
        ) as is_name_without_suffix,
        coalesce(
            records.firm_key not like '|%'
            and records.branch is null
            and left(records.name_normalised, 2) = left(records.core_name, 2)
            and not {{ matches('records.customer_name', '[（(]') }},
            false
        ) as is_name_in_other_order
    from records
    left join conflicting
        on records.system = conflicting.system
        and records.source_table = conflicting.source_table
        and records.source_id = conflicting.source_id
    left join contacts
        on records.system = contacts.system
        and records.source_table = contacts.source_table
        and records.source_id = contacts.source_id
    left join resolved_twice
        on records.system = resolved_twice.system
        and records.source_table = resolved_twice.source_table
        and records.customer_id = resolved_twice.customer_id
    left join alike
        on records.system = alike.system
        and records.source_table = alike.source_table
        and records.source_id = alike.source_id
    left join used
        on records.system = used.system
        and records.source_table = used.source_table
        and records.source_id = used.source_id
    left join registers
        on records.system = registers.system and records.source_table = registers.source_table
    left join leavers on records.owner_name = leavers.staff_name
    left join rhythms on records.customer_id = rhythms.customer_id
    left join untouched on records.customer_id = untouched.customer_id
)

select * from final
