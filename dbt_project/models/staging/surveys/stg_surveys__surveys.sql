with

surveys as (
    select * from {{ source('raw_surveys', 'surveys') }}
),

final as (
    select
        'surveys' as source_table,
        survey_id as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('customer_name') }} as customer_name,
        {{ clean_text('phone') }} as customer_phone,
        {{ clean_text('email') }} as customer_email,
        {{ clean_text('contact_role') }} as contact_role,
        {{ to_utc('answered_at') }} as surveyed_at,
        {{ try_to('score', 'decimal(9, 2)') }} as score,
        {{ clean_text('comment') }} as comment
    from surveys
)

select * from final
