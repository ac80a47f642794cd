with

notes as (
    select * from {{ source('raw_notes', 'account_notes') }}
),

final as (
    select
        'account_notes' as source_table,
        file as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('customer') }} as customer_name,
        {{ to_date(extract_text('period', '^(.*?)(?:至|~|—|到)', 1)) }} as period_start,
        {{ to_date(extract_text('period', '(?:至|~|—|到)(.*)$', 1)) }} as period_end,
        {{ clean_text('owner') }} as staff_name,
        nullif({{ clean_text('changes') }}, '无') as changes,
        nullif({{ clean_text('concerns') }}, '无') as concerns,
        nullif({{ clean_text('complaints') }}, '无') as complaints,
        {{ clean_text('summary') }} as summary
    from notes
)

select * from final
