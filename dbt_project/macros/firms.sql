{#- What a firm's normalised name tells of its place in a group. Names are those of identity.records: half-width,
    Chinese ones without blanks and brackets, Latin ones in small letters with single blanks. -#}

{#- True where the name is that of a group's head: 恒达集团有限公司, Acme Holdings Ltd. -#}
{%- macro is_group_name(name) -%}
    {{ matches(name, '.{2}集团(?:股份|控股)?(?:有限)?(?:责任)?(?:公司)?$|.{2} (?:group|holdings?)(?: [a-z]{2,11}){0,2}$') }}
{%- endmacro -%}

{#- The part by which firms of one group begin: two characters of a Chinese name, one word of a Latin one. -#}
{%- macro firm_brand(core_name) -%} {{ return(adapter.dispatch('firm_brand')(core_name)) }} {%- endmacro -%}

{%- macro duckdb__firm_brand(core_name) -%}
    case when regexp_matches({{ core_name }}, '[一-鿿]') then left({{ core_name }}, 2)
        else split_part({{ core_name }}, ' ', 1) end
{%- endmacro -%}

{#- The domain of an e-mail address, null where it is one at which everybody may have a mailbox. -#}
{%- macro company_domain(email) -%} {{ return(adapter.dispatch('company_domain')(email)) }} {%- endmacro -%}

{%- macro duckdb__company_domain(email) -%}
    {%- set free = [
        '163.com', '126.com', '139.com', '188.com', '189.cn', '21cn.com', '263.net', 'aliyun.com', 'aol.com',
        'eyou.com', 'foxmail.com', 'gmail.com', 'gmx.com', 'gmx.de', 'gmx.net', 'googlemail.com', 'hotmail.com',
        'icloud.com', 'live.cn', 'live.com', 'mac.com', 'mail.com', 'mail.ru', 'me.com', 'msn.com', 'naver.com',
        'outlook.com', 'proton.me', 'protonmail.com', 'qq.com', 'sina.cn', 'sina.com', 'sina.com.cn', 'sohu.com',
        'tom.com', 'vip.126.com', 'vip.163.com', 'vip.qq.com', 'vip.sina.com', 'web.de', 'wo.cn', 'yahoo.cn',
        'yahoo.co.jp', 'yahoo.co.uk', 'yahoo.com', 'yahoo.com.cn', 'yandex.com', 'yandex.ru', 'yeah.net',
    ] -%}
    nullif(
        case when split_part({{ email }}, '@', 2) not in ('{{ free | join("', '") }}')
            then split_part({{ email }}, '@', 2) end,
        ''
    )
{%- endmacro -%}
