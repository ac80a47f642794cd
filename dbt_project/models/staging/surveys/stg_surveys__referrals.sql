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
        {{ clean_text('recommend_name') }} as referred_name,
        {{ clean_text('recommend_phone') }} as referred_phone,
        {{ to_utc('answered_at') }} as referred_at
    from surveys
    where coalesce({{ clean_text('recommend_name') }}, {{ clean_text('recommend_phone') }}) is not null
)

select * from final
