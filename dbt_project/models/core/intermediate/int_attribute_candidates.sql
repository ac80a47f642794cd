-- Every value that any source row gives for an attribute of a customer, beside the form in which it is compared
-- with the others. Usable is what is valid: a number that can be dialled, a code whose check digit is right, the
-- kind that identity takes the customer for, a name that isn't a placeholder. Where a person's record belongs to
-- a firm, its name is that of a contact: a firm is never called after its buyer.
{%- set is_contact = "coalesce(customer_party_type = 'organisation' and party_type = 'person', false)" %}
{%- set is_of_its_kind = "coalesce(customer_party_type <> 'organisation' or party_type = 'organisation', true)" %}
{%- set attributes = {
    'party_type': {'is_usable': 'coalesce(party_type = customer_party_type, false)', 'compared': 'party_type'},
    'customer_name': {
        'value': 'case when not ' ~ is_contact ~ ' then customer_name end',
        'is_usable': 'has_usable_name and ' ~ is_of_its_kind,
        'compared': 'coalesce(name_compared, ' ~ comparable_text('customer_name') ~ ')',
        'is_in_full': 'has_registered_name',
    },
    'contact_name': {
        'value': "coalesce(contact_name, case when " ~ is_contact ~ " then customer_name end)",
        'is_usable': 'contact_name is not null or has_usable_name',
    },
    'mobile': {'is_usable': 'has_valid_mobile', 'compared': 'mobile'},
    'phone': {'is_usable': 'has_valid_phone', 'compared': 'phone'},
    'email': {'is_usable': 'has_valid_email', 'compared': 'email'},
    'wechat_id': {},
    'credit_code': {'is_usable': 'has_valid_credit_code', 'compared': 'credit_code'},
    'region': {},
    'address': {},
    'industry': {},
    'owner_name': {},
} %}
with

records as (
    select * from {{ ref('int_customer_records') }}
),

final as (
    {% for attribute, rules in attributes.items() %}
    {%- set value = rules.get('value', attribute) %}
    select
        customer_id,
        '{{ attribute }}' as attribute,
        {{ value }} as value,
        {{ rules.get('compared') or comparable_text(value) }} as value_compared,
        {{ rules.get('is_usable', 'true') }} as is_usable,
        {{ rules.get('is_in_full', 'false') }} as is_in_full,
        system,
        source_table,
        source_id,
        party_type,
        trust,
        updated_at
    from records
    where trim({{ value }}) <> ''
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
