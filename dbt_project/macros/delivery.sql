{#- Delivery as it stands in a document's remark: 约定交付:2024-01-05;实际交付:2024-01-09. -#}

{%- macro promised_on(remark) -%}
    {{ to_date(extract_text(remark, '约定交付[:：]\\s*([0-9/.-]+)')) }}
{%- endmacro -%}

{%- macro delivered_on(remark) -%}
    {{ to_date(extract_text(remark, '实际交付[:：]\\s*([0-9/.-]+)')) }}
{%- endmacro -%}
