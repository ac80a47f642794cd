{#- What came of a call or a message, in the words that call centres, telephone systems and mail servers use for it.
    A word that isn't known says nothing: null. -#}
{%- macro call_outcome(text) -%}
    {%- set word = 'lower(' ~ clean_text(text) ~ ')' -%}
    {%- set words = {
        'reached': ['接通', '已接通', '已接', '通话成功', '成功', '应答', 'answered', 'connected', 'completed', 'reached'],
        'not_reached': [
            '无人接听', '未接', '未接通', '无应答', '未应答', '占线', '忙线', '用户忙', '关机', '已关机', '暂时无法接通', '无法接通',
            '拒接', '挂断', '不在服务区', 'no answer', 'no_answer', 'noanswer', 'busy', 'missed', 'declined', 'not_reached',
        ],
        'wrong_number': [
            '空号', '错号', '停机', '已停机', '号码错误', '号码不存在', '打错', '非本人', '退信', '地址不存在', 'wrong number',
            'wrong_number', 'invalid number', 'not in service', 'disconnected', 'bounced', 'undeliverable',
        ],
    } -%}
    case
        {%- for outcome, spellings in words.items() %}
        when {{ word }} in ('{{ spellings | join("', '") }}') then '{{ outcome }}'
        {%- endfor %}
    end
{%- endmacro -%}
