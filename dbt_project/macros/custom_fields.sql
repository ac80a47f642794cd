{#- Custom fields that a source keeps as one row per value, made one row per record with a column per field.

    A company names its custom fields as it likes, so the names are data: `names` maps each field to the names
    that companies give it, best first. A row counts for a field when its label (what users see) or its internal
    name is one of them, whatever its width and case, without blanks and colons. `relation` has the columns
    batch_id (which record), label, name and value; where two names of one field are filled in, the better one
    wins. -#}
{%- macro pivot_custom_fields(relation, names) -%}
    select
        batch_id,
        {%- for field, synonyms in names.items() %}
        coalesce(
            {%- for synonym in synonyms %}
            max(case when '{{ synonym }}' in (label, name) then value end){{ ',' if not loop.last }}
            {%- endfor %}
        ) as {{ field }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            batch_id,
            {{ clean_text('value') }} as value,
            {{ plain_label('label') }} as label,
            {{ plain_label('name') }} as name
        from {{ relation }}
    ) as plain
    group by batch_id
{%- endmacro -%}

{#- A field's label as `pivot_custom_fields` compares it: half-width, lower case, no blanks and colons. -#}
{%- macro plain_label(text) -%} {{ return(adapter.dispatch('plain_label')(text)) }} {%- endmacro -%}

{%- macro duckdb__plain_label(text) -%}
    lower(regexp_replace({{ half_width(text) }}, '[\s:]', '', 'g'))
{%- endmacro -%}
