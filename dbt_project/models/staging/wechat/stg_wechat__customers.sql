with

contacts as (
    select * from {{ source('raw_wechat', 'contacts') }}
),

split as (
    select *, {{ remark_words('remark') }} as words
    from contacts
),

-- A name outranks a form of address: in 锡城机械 王总 张伟 the person is 张伟.
read as (
    select
        *,
        {{ first_word('words', ['firm']) }} as firm,
        coalesce({{ first_word('words', ['name']) }}, {{ first_word('words', ['address']) }}) as person
    from split
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
        coalesce({{ clean_text('mobile') }}, {{ remark_phone('remark') }}) as mobile,
        wechat_id,
        {{ clean_text('region') }} as region,
        {{ clean_text('staff_name') }} as owner_name,
        coalesce(status = '已删除', false) as is_deleted,
        -- Whether they deleted us or blocked us: they want no contact.
        coalesce(status in ('已删除', '被拉黑'), false) as is_blocked,
        {{ to_utc('added_at') }} as created_at,
        coalesce({{ to_utc('status_at') }}, {{ to_utc('added_at') }}) as updated_at
    from read
)

select * from final
