{#- A whole day, and one that leaves out the year, or year and month: 2026年5月1日至5月14日. -#}
{%- set day = '(?:19|20)\\d{6}|(?:19|20)\\d\\d[年./-]\\d{1,2}[月./-]\\d{1,2}日?' -%}
{%- set short_day = '(?:(?:19|20)\\d\\d[年./-])?(?:\\d{1,2}[月./-])?\\d{1,2}日?' -%}

with

notes as (
    select * from {{ source('raw_notes', 'account_notes') }}
),

periods as (
    select *, replace(replace({{ half_width('period') }}, ' ', ''), '号', '日') as days
    from notes
),

ends as (
    select
        *,
        {{ extract_text('days', '^\\D*(' ~ day ~ ')') }} as start_day,
        {{ extract_text('days', '^\\D*(?:' ~ day ~ ')(?:至|到|~|—|–|-|to)+((?:19|20)\\d{6}|' ~ short_day ~ ')\\D*$') }} as end_day
    from periods
),

dated as (
    select
        *,
        {{ to_date('start_day') }} as period_start,
        {{ to_date("concat(
            case
                when " ~ matches('end_day', '^(?:19|20)\\d\\d') ~ " then ''
                when " ~ matches('end_day', '^\\d{1,2}[月./-]') ~ " then " ~ extract_text('start_day', '^\\d{4}[年./-]', 0) ~ "
                else " ~ extract_text('start_day', '^\\d{4}[年./-]\\d{1,2}[月./-]', 0) ~ "
            end,
            end_day
        )") }} as period_end
    from ends
),

final as (
    select
        'account_notes' as source_table,
        -- The first summary of a file keeps the file's name as its key.
        case when coalesce(number, '1') = '1' then file else concat(file, '#', number) end as source_id,
        _loaded_at as loaded_at,
        {{ clean_text('customer') }} as customer_name,
        period_start,
        -- 12月25日至1月7日 ends in the next year.
        case when period_end < period_start then cast(period_end + interval 1 year as date) else period_end end
            as period_end,
        {{ clean_text('owner') }} as staff_name,
        {% for section in ['changes', 'concerns', 'complaints'] -%}
        case when not {{ matches(section, '^\\s*(?:无|没有|暂无|无变化|无投诉|-+|/|(?i:none|nil|n/a))\\s*[。.]?\\s*$') }}
            then {{ clean_text(section) }} end as {{ section }},
        {% endfor -%}
        {{ clean_text('summary') }} as summary
    from dated
)

select * from final
