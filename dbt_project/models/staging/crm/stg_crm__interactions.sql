with

activities as (
    select * from {{ source('raw_crm', 'wk_crm_activity') }}
),

users as (
    select user_id, realname from {{ source('raw_crm', 'wk_admin_user') }}
),

-- What a note can be about, and whose that is: 2 customers, 3 contacts, 5 opportunities, 6 contracts, 7 receipts.
-- 1 is leads, who are no customers yet; 4 products; 8 to 12 the CRM's own diaries, approvals, tasks and mails.
subjects as (
    select '2' as kind, customer_id as id, customer_id from {{ source('raw_crm', 'wk_crm_customer') }}
    union all
    select '3', contacts_id, customer_id from {{ source('raw_crm', 'wk_crm_contacts') }}
    union all
    select '5', business_id, customer_id from {{ source('raw_crm', 'wk_crm_business') }}
    union all
    select '6', contract_id, customer_id from {{ source('raw_crm', 'wk_crm_contract') }}
    union all
    select '7', receivables_id, customer_id from {{ source('raw_crm', 'wk_crm_receivables') }}
),

-- Types 2 and 3 are the product's own notes that a record was made or a stage changed; 1 and 4 are people's.
-- Status 0 is deleted.
by_people as (
    select * from activities
    where
        coalesce(type, '1') not in ('2', '3')
        and coalesce(status, '1') <> '0'
        and activity_type in ('2', '3', '5', '6', '7')
),

final as (
    select
        'wk_crm_activity' as source_table,
        by_people.activity_id as source_id,
        by_people._loaded_at as loaded_at,
        -- A note on a customer who is not there keeps its id, for the quality checks to report.
        coalesce(
            subjects.customer_id, case when by_people.activity_type = '2' then by_people.activity_type_id end
        ) as customer_source_id,
        by_people.create_user_id as staff_source_id,
        {{ clean_text('users.realname') }} as staff_name,
        case
            when by_people.type = '4' or {{ matches('by_people.category', '拜访|上门|面谈') }} then 'visit'
            when {{ matches('by_people.category', '电话') }} then 'call'
            when {{ matches('by_people.category', '微信|QQ') }} then 'wechat'
            when {{ matches('by_people.category', '邮') }} then 'email'
            when {{ matches('by_people.category', '会议') }} then 'meeting'
            else 'other'
        end as channel,
        {{ to_utc('by_people.create_time') }} as occurred_at,
        {{ clean_text('by_people.content') }} as summary
    from by_people
    left join users on by_people.create_user_id = users.user_id
    left join subjects
        on by_people.activity_type = subjects.kind and by_people.activity_type_id = subjects.id
)

select * from final
