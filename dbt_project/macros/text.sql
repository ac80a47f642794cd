{#- Text as people type it: full-width signs, blanks of every kind, empty instead of missing. -#}

{#- Full-width letters, digits and signs (１３８，ＡＢＣ) as their usual half-width ones. -#}
{%- macro half_width(text) -%} {{ return(adapter.dispatch('half_width')(text)) }} {%- endmacro -%}

{#- Looking first is ten times quicker than translating, and hardly any text needs it. -#}
{%- macro duckdb__half_width(text) -%}
    case
        when regexp_matches({{ text }}, '[！-～　]')
            then translate(
                {{ text }},
                '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～　',
                '!"#$%&''()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghijklmnopqrstuvwxyz{|}~ '
            )
        else {{ text }}
    end
{%- endmacro -%}

{#- Without blanks around it (full-width, no-break and zero-width ones too); nothing left is null. -#}
{%- macro clean_text(text) -%} {{ return(adapter.dispatch('clean_text')(text)) }} {%- endmacro -%}

{%- macro duckdb__clean_text(text) -%}
    nullif(trim({{ text }}, concat(' 　', chr(9), chr(10), chr(13), chr(160), chr(8203), chr(65279))), '')
{%- endmacro -%}

{#- What the pattern's group (0 is the whole match) takes out of the text, or null. -#}
{%- macro extract_text(text, pattern, group=1) -%}
    {{ return(adapter.dispatch('extract_text')(text, pattern, group)) }}
{%- endmacro -%}

{%- macro duckdb__extract_text(text, pattern, group) -%}
    nullif(regexp_extract({{ text }}, '{{ pattern }}', {{ group }}), '')
{%- endmacro -%}

{%- macro matches(text, pattern) -%} {{ return(adapter.dispatch('matches')(text, pattern)) }} {%- endmacro -%}

{%- macro duckdb__matches(text, pattern) -%}
    coalesce(regexp_matches({{ text }}, '{{ pattern }}'), false)
{%- endmacro -%}

{#- The value as `type`, or null where it isn't one. -#}
{%- macro try_to(value, type) -%} {{ return(adapter.dispatch('try_to')(value, type)) }} {%- endmacro -%}

{%- macro duckdb__try_to(value, type) -%} try_cast({{ value }} as {{ type }}) {%- endmacro -%}

{#- A test entry that somebody left in a live system: 测试 anywhere, or a word that begins with test. -#}
{%- macro is_test_entry(texts) -%}
    ({% for text in texts %}{{ matches(text, '(?i)测试|\\btest') }}{{ ' or ' if not loop.last }}{% endfor %})
{%- endmacro -%}

{#- Words that only a firm's name holds. -#}
{%- macro names_a_firm(name) -%}
    {%- set words = [
        '公司', '集团', '厂', '经营部', '工作室', '事务所', '研究院', '合作社', '商行', '门市', '中心', '学校',
        '医院', '酒店', '饭店', '银行', 'co\\.', '\\bltd', '\\binc\\b', '\\bllc', 'gmbh', 'corp',
    ] -%}
    {{ matches(name, '(?i)' ~ words | join('|')) }}
{%- endmacro -%}

{#- The letters and digits alone, small and half-width: two spellings of one value are equal in it. A text without
    any stays as it is. -#}
{%- macro comparable_text(text) -%} {{ return(adapter.dispatch('comparable_text')(text)) }} {%- endmacro -%}

{%- macro duckdb__comparable_text(text) -%}
    coalesce(nullif(regexp_replace(lower({{ half_width(text) }}), '[^\p{L}\p{N}]', '', 'g'), ''), {{ text }})
{%- endmacro -%}

{#- The distinct values of a group, in order, as one text. -#}
{%- macro joined_values(value) -%} {{ return(adapter.dispatch('joined_values')(value)) }} {%- endmacro -%}

{%- macro duckdb__joined_values(value) -%} string_agg(distinct {{ value }}, ', ' order by {{ value }}) {%- endmacro -%}

{#- What stands for a person whose name nobody asked: a surname with a title (王总, 李小姐). -#}
{%- macro title_pattern() -%}
    ^.{1,2}(?:总|工|董|经理|小姐|先生|女士|老板|主任|老师|厂长|会计|阿姨|师傅|太太)$
{%- endmacro -%}
