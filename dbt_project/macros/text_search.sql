{#- True where the text holds one of the words, whatever their case. -#}
{%- macro mentions_any(text, words) -%}
    ({% for word in words %}lower({{ text }}) like '%{{ word }}%'{{ ' or ' if not loop.last }}{% endfor %})
{%- endmacro -%}
