{#- A model's configured schema is the schema's whole name: no prefix of the target's. -#}
{%- macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro -%}

{#- `input__orders` is a unique file name; the relation is `input.orders`. -#}
{%- macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- if custom_alias_name -%}
        {{ custom_alias_name | trim }}
    {%- elif node.name.startswith('input__') -%}
        {{ node.name.removeprefix('input__') }}
    {%- else -%}
        {{ node.name }}
    {%- endif -%}
{%- endmacro -%}
