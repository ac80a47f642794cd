with

contacts as (
    select * from {{ source('raw_wechat', 'contacts') }}
),

-- Of several persons or numbers in a remark the first one counts.
read as (
    select
        *,
        {{ extract_text('remark_company', '^[^、]+', 0) }} as firm,
        {{ extract_text('remark_person', '^[^、]+', 0) }} as name,
        {{ extract_text('remark_honorific', '^[^、]+', 0) }} as title,
        {{ extract_text('remark_phone', '^[^、]+', 0) }} as phone
    from contacts
),

-- A bare surname says little without its title: 王总, 李小姐.
addressed as (
    select *, case when length(name) = 1 then concat(name, coalesce(title, '')) else name end as person
    from read
),

final as (
    select
        'contacts' as source_table,
        -- The id is personal data, and keys are published unmasked.
        md5(wechat_id) as source_id,
        _loaded_at as loaded_at,
        case when firm is not null then 'organisation' when person is not null then 'person' end as party_type,
        coalesce(firm, person, {{ clean_text('remark') }}, {{ clean_text('nickname') }}) as customer_name,
        case when firm is not null then person end as contact_name,
        coalesce({{ clean_text('mobile') }}, phone) as mobile,
        wechat_id,
        coalesce({{ clean_text('region') }}, remark_region) as region,
        {{ clean_text('staff_name') }} as owner_name,
        coalesce(status = '已删除', false) as is_deleted,
        -- Whether they deleted us or blocked us: they want no contact.
        coalesce(status in ('已删除', '被拉黑'), false) as is_blocked,
        {{ to_utc('added_at') }} as created_at,
        coalesce({{ to_utc('status_at') }}, {{ to_utc('added_at') }}) as updated_at
    from addressed
)

select * from final
