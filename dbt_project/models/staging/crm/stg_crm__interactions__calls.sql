with

calls as (
    select * from {{ source('raw_crm', 'wk_call_record') }}
),

users as (
    select user_id, realname from {{ source('raw_crm', 'wk_admin_user') }}
),

contacts as (
    select contacts_id, customer_id from {{ source('raw_crm', 'wk_crm_contacts') }}
),

-- 0 did not ring, 1 not answered, 2 talked, 3 missed: only talking is a contact.
talks as (
    select * from calls
    where state = '2'
),

final as (
    select
        'wk_call_record' as source_table,
        talks.call_record_id as source_id,
        talks._loaded_at as loaded_at,
        case talks.model
            when 'customer' then talks.model_id
            when 'contacts' then contacts.customer_id
        end as customer_source_id,
        {{ clean_text('talks.number') }} as customer_phone,
        talks.owner_user_id as staff_source_id,
        {{ clean_text('users.realname') }} as staff_name,
        'call' as channel,
        case talks.type when '0' then 'out' when '1' then 'in' end as direction,
        'reached' as outcome,
        {{ to_utc('coalesce(talks.answer_time, talks.start_time)') }} as occurred_at
    from talks
    left join users on talks.owner_user_id = users.user_id
    left join contacts on talks.model_id = contacts.contacts_id
)

select * from final
