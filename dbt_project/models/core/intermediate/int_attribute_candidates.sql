-- Every value that any source gives for an attribute of a customer, in the order in which it is believed:
-- usable before unusable, then the more trusted system, then the newer record, then a fixed source order.
{%- set attributes = {
    'party_type': 'true',
    'customer_name': 'has_usable_name',
    'contact_name': 'true',
    'mobile': 'has_valid_mobile',
    'phone': 'has_valid_phone',
    'email': 'has_valid_email',
    'wechat_id': 'true',
    'credit_code': 'has_valid_credit_code',
    'region': 'true',
    'address': 'true',
    'industry': 'true',
    'owner_name': 'true',
} %}
with

records as (
    select * from {{ ref('int_customer_records') }}
),

candidates as (
    {% for attribute, is_usable in attributes.items() %}
    select
        customer_id, '{{ attribute }}' as attribute, {{ attribute }} as value, {{ is_usable }} as is_usable,
        system, source_table, source_id, trust, updated_at
    from records
    where {{ attribute }} is not null and trim({{ attribute }}) <> ''
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (
    select
        *,
        row_number() over (
            partition by customer_id, attribute
            order by is_usable desc, trust desc, updated_at desc nulls last, system, source_table, source_id
        ) as preference
    from candidates
)

select * from final
