-- What two firms of one group may share: a credit code, a phone, a mail domain of the company's own, an address
-- with a house number. What firms of more than five brands share (a business park, a mail provider) tells nothing.
{%- set most_brands = 5 %}
with

brands as (
    select distinct customer_id, brand from {{ ref('int_firms') }}
),

owners as (
    select system, source_table, source_id, customer_id from {{ source('identity', 'customer_xref') }}
),

identifiers as (
    select owners.customer_id, found.kind, found.value, found.is_shared
    from {{ source('identity', 'identifiers') }} as found
    inner join owners
        on found.system = owners.system
        and found.source_table = owners.source_table
        and found.source_id = owners.source_id
),

told as (
    select customer_id, 'credit_code' as kind, value
    from identifiers
    where kind in ('credit_code', 'tax_number') and not is_shared
    union all
    select customer_id, 'phone', value from identifiers where kind = 'phone' and not is_shared
    union all
    select customer_id, 'email_domain', {{ company_domain('value') }} from identifiers where kind = 'email'
    union all
    select owners.customer_id, 'address', records.address_normalised
    from {{ source('identity', 'records') }} as records
    inner join owners
        on records.system = owners.system
        and records.source_table = owners.source_table
        and records.source_id = owners.source_id
    where {{ matches('records.address_normalised', '[0-9]') }}
),

known as (
    select distinct told.customer_id, brands.brand, told.kind, told.value
    from told
    inner join brands on told.customer_id = brands.customer_id
    where told.value is not null
),

telling as (
    select kind, value
    from known
    group by kind, value
    having count(distinct brand) <= {{ most_brands }} and count(distinct customer_id) > 1
),

final as (
    select known.*
    from known
    inner join telling on known.kind = telling.kind and known.value = telling.value
)

select * from final
