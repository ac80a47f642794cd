{#- What a test found, in words for whoever looks into it; `seen`, `usual`, `n` and `detail` are its figures. -#}
{%- macro suspicion_evidence(language) -%}
    {%- set days = var('suspicion').deadline_days -%}
    {%- set step_en %}case when detail = 0 then 'repeat the one before' else concat('are ', cast(detail as varchar), ' higher (9 is followed by 0)') end{% endset -%}
    {%- set step_zh %}case when detail = 0 then '重复前一位' else concat('比前一位大 ', cast(detail as varchar), '（9 之后为 0）') end{% endset -%}
    {%- set sentences = {
        'never_reached': {
            'en': ["'of '", "n", "' numbers collected and called back, '", "seen", "' % were never reached; colleagues'' '", "usual", "' %'"],
            'zh': ["'录入并回访过的 '", "n", "' 个号码中，'", "seen", "'% 从未接通；同事为 '", "usual", "'%'"],
        },
        'bounced': {
            'en': ["'of '", "n", "' numbers and addresses tried, '", "seen", "' % did not exist or were a stranger''s; colleagues'' '", "usual", "' %'"],
            'zh': ["'联系过的 '", "n", "' 个号码和邮箱中，'", "seen", "'% 不存在或属于他人；同事为 '", "usual", "'%'"],
        },
        'last_digits': {
            'en': ["'of '", "n", "' final digits typed, '", "seen", "' % are '", "cast(detail as varchar)", "'; colleagues'' '", "usual", "' %'"],
            'zh': ["'录入的 '", "n", "' 个尾数数字中，'", "seen", "'% 为 '", "cast(detail as varchar)", "'；同事为 '", "usual", "'%'"],
        },
        'digit_steps': {
            'en': ["'of '", "n", "' digits typed after another, '", "seen", "' % '", step_en, "'; colleagues'' '", "usual", "' %'"],
            'zh': ["'录入的 '", "n", "' 对相邻数字中，'", "seen", "'% '", step_zh, "'；同事为 '", "usual", "'%'"],
        },
        'patterned': {
            'en': ["'of '", "n", "' mobile numbers, '", "seen", "' % are runs, blocks or few different digits; colleagues'' '", "usual", "' %'"],
            'zh': ["'录入的 '", "n", "' 个手机号中，'", "seen", "'% 为连号、叠号或只用少数几个数字；同事为 '", "usual", "'%'"],
        },
        'repeated': {
            'en': ["'of '", "n", "' mobile numbers, '", "seen", "' % stand for several customers or follow on another''s; colleagues'' '", "usual", "' %'"],
            'zh': ["'录入的 '", "n", "' 个手机号中，'", "seen", "'% 用于多个客户或与其他客户的号码相连；同事为 '", "usual", "'%'"],
        },
        'invalid': {
            'en': ["'of '", "n", "' numbers and addresses, '", "seen", "' % are invalid or placeholders; colleagues'' '", "usual", "' %'"],
            'zh': ["'录入的 '", "n", "' 个号码和邮箱中，'", "seen", "'% 无效或为占位内容；同事为 '", "usual", "'%'"],
        },
        'deadline_burst': {
            'en': ["'of '", "n", "' records (fullest month left out), '", "seen", "' % were entered on the last " ~ days ~ " days of a month; colleagues'' '", "usual", "' %'"],
            'zh': ["'录入的 '", "n", "' 条记录（不计最集中的一个月）中，'", "seen", "'% 录入于月末最后 " ~ days ~ " 天；同事为 '", "usual", "'%'"],
        },
    } -%}
    case worded.test
        {%- for test, words in sentences.items() %}
        when '{{ test }}' then concat({{ words[language] | join(', ') }})
        {%- endfor %}
    end
{%- endmacro -%}

{#- The texts of the rows for which the condition holds, put together in the given order; null without any. -#}
{%- macro joined_text(text, condition, order_by) -%}
    {{ return(adapter.dispatch('joined_text')(text, condition, order_by)) }}
{%- endmacro -%}
{%- macro duckdb__joined_text(text, condition, order_by) -%}
    string_agg({{ text }}, '; ' order by {{ order_by }}) filter (where {{ condition }})
{%- endmacro -%}
