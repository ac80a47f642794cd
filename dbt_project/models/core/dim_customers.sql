{%- set attributes = ['party_type', 'customer_name', 'contact_name', 'mobile', 'phone', 'email', 'wechat_id',
                      'credit_code', 'region', 'address', 'industry', 'owner_name'] %}
with

records as (
    select * from {{ ref('int_customer_records') }}
),

lineage as (
    select customer_id, attribute, value from {{ ref('attribute_lineage') }} where is_winner
),

golden as (
    select
        customer_id,
        {% for attribute in attributes %}
        max(case when attribute = '{{ attribute }}' then value end) as {{ attribute }}{{ ',' if not loop.last }}
        {% endfor %}
    from lineage
    group by customer_id
),

presence as (
    select
        customer_id,
        count(*) as source_records,
        count(distinct system) as source_systems,
        coalesce(bool_or(is_blocked), false) as is_blocked,
        coalesce(bool_and(is_deleted), false) as is_deleted,
        min(created_at) as created_at,
        max(updated_at) as updated_at
    from records
    group by customer_id
),

final as (
    select
        presence.customer_id,
        coalesce(golden.party_type, 'unknown') as party_type,
        {% for attribute in attributes[1:] %}
        golden.{{ attribute }},
        {% endfor %}
        presence.is_blocked,
        presence.is_deleted,
        presence.source_records,
        presence.source_systems,
        presence.created_at,
        presence.updated_at
    from presence
    left join golden on presence.customer_id = golden.customer_id
)

select * from final
