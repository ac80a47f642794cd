{#- What a salesperson's remark on a WeChat contact says, as far as its words tell: 张总-锡城机械-网站续费.

    The remark is cut at dashes, blanks, strokes and commas. A word that ends in a form of address, or that
    looks like a Chinese name, is the person; one about work to be done is a project; the first other one is the
    firm. A guess: identity weighs it as the weakest of sources. -#}

{%- macro remark_words(remark) -%} {{ return(adapter.dispatch('remark_words')(remark)) }} {%- endmacro -%}

{#- Without telephone numbers, which may hold dashes themselves. -#}
{%- macro duckdb__remark_words(remark) -%}
    list_filter(
        regexp_split_to_array(
            regexp_replace({{ half_width(remark) }}, '{{ phone_pattern() }}', ' ', 'g'), '[-—–_/\\|,，、;；:：+\s]+'
        ),
        lambda word : word <> ''
    )
{%- endmacro -%}

{%- macro phone_pattern() -%}
    {{ return('(?:\\+?86[- ]?)?1[3-9]\\d{9}|\\b400-?\\d{3}-?\\d{4}|\\b0\\d{2,3}-?\\d{7,8}') }}
{%- endmacro -%}

{%- macro remark_phone(remark) -%}
    {{ extract_text(half_width(remark), phone_pattern(), 0) }}
{%- endmacro -%}

{#- Which of 'address', 'project', 'name', 'firm' or 'other' the word is. -#}
{%- macro remark_word_kind(word) -%}
    {%- set surnames =
        '王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏'
        ~ '苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙陶贺顾毛郝龚邵万钱'
        ~ '严武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟申欧耿关兰焦俞左柳甘祝包宁尚符舒'
        ~ '阮柯纪梅童凌毕单季成裴霍涂苗谷曲盛冉翁蓝路游辛靳管柴蒙鲍华喻祁張劉陳楊黃趙吳孫馬羅鄭謝許韓'
        ~ '馮鄧蔣葉蘇呂盧鐘薑譚陸龍賀顧錢嚴湯魯關蘭'
    -%}
    {%- set projects = [
        '网站', '续费', '建设', '推广', '域名', '主机', '邮箱', '相册', '微电影', '主题曲',
        '专题片', '宣传片', '短视频', '摄影', '婚礼', '跟拍', '全家福', '儿童照', '毕业册', '画册',
        '海报', '设计', '直播', '录音', '维护', '客户', '合同', '项目',
    ] -%}
    case
        when {{ matches(word, '(总|總|经理|經理|小姐|先生|先森|女士|老师|老師|主任|老板|老闆|厂长|会计|医生|校长|院长|姐|哥)$') }}
            then 'address'
        when {{ names_a_firm(word) }} then 'firm'
        when {{ matches(word, '^(' ~ projects | join('|') ~ ')+$') }}
            then 'project'
        when {{ matches(word, '^([' ~ surnames ~ ']\\p{Han}{1,2}|(欧阳|司马|上官|诸葛|皇甫|尉迟|公孙|慕容|令狐|东方)\\p{Han}{1,2})$') }}
            then 'name'
        when {{ matches(word, '\\p{Han}{2}|[A-Za-z]{2}') }} then 'firm'
        else 'other'
    end
{%- endmacro -%}

{%- macro first_word(words, kinds) -%} {{ return(adapter.dispatch('first_word')(words, kinds)) }} {%- endmacro -%}

{#- The first word of one of the kinds; where there is none, null. -#}
{%- macro duckdb__first_word(words, kinds) -%}
    list_filter({{ words }}, lambda word : {{ remark_word_kind('word') }} in ('{{ kinds | join("', '") }}'))[1]
{%- endmacro -%}
