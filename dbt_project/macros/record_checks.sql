{#- The checks of gate 1 that most entities share, as the whole query of a model check__<entity>: one row per row of
    input.<entity>; each boolean is true where the record fails, and never null.

    alike: the columns in which a record entered twice is equal, moments and amounts among them.
    name: the column with a name that may be written in traditional characters.
    has_customer, has_staff: whether the entity says whose it is, and which employee's.
    further: column -> SQL on the row (alias records). -#}
{%- macro record_checks(entity, alike=[], name=none, has_customer=true, staff=[], further={}) -%}
with

records as (
    select *{% if alike %}, {{ row_hash(['system', 'source_table'] + alike) }} as content_hash{% endif %}
    from {{ ref('input__' ~ entity) }}
),
{% if alike %}
twice as (
    select content_hash from records group by content_hash having count(*) > 1
),
{% endif %}{% if has_customer %}
customers as (
    select distinct system, source_id from {{ ref('input__customers') }}
),
{% endif %}{% if staff %}
staff_ids as (
    select distinct system, source_id from {{ ref('input__staff') }}
),

staff_names as (
    select distinct staff_name from {{ ref('input__staff') }}
),
{% endif %}
final as (
    select
        records.system,
        records.source_table,
        records.source_id
        {%- if has_customer %},
        case
            when records.customer_source_id is not null then customers.source_id is null
            else coalesce(records.customer_name, records.customer_phone, records.customer_email) is null
        end as has_no_customer
        {%- endif %}
        {%- if alike %},
        twice.content_hash is not null as is_entered_twice
        {%- endif %}
        {%- if name %},
        {{ is_traditional('records.' ~ name) }} as has_traditional_name
        {%- endif %}
        {%- if staff %},
        {{ is_unknown_staff('records', staff) }} as has_unknown_staff
        {%- endif %}
        {%- for column, sql in further.items() %},
        coalesce({{ sql }}, false) as {{ column }}
        {%- endfor %}
    from records
    {% if alike %}left join twice on records.content_hash = twice.content_hash
    {% endif %}{% if has_customer %}left join customers
        on records.system = customers.system and records.customer_source_id = customers.source_id
    {% endif %}{% if staff %}{{ join_staff('records', staff) }}{% endif %}
)

select * from final
{%- endmacro -%}

{#- Joins for `is_unknown_staff`; CTEs staff_ids and staff_names must be there. -#}
{%- macro join_staff(alias, staff) -%}
    {% for column in staff if column.endswith('_id') -%}
    left join staff_ids on {{ alias }}.system = staff_ids.system and {{ alias }}.{{ column }} = staff_ids.source_id
    {% endfor %}{% for column in staff if column.endswith('_name') -%}
    left join staff_names on {{ alias }}.{{ column }} = staff_names.staff_name
    {% endfor %}
{%- endmacro -%}

{#- True where the record names an employee whom no list of employees has. A number is looked up in the lists of its
    own system, if it has any; a name in all of them. -#}
{%- macro is_unknown_staff(alias, staff) -%}
    (
        {%- for column in staff %}
        {%- if column.endswith('_id') %}
        (
            {{ alias }}.{{ column }} is not null and staff_ids.source_id is null
            and {{ alias }}.system in (select system from staff_ids)
        )
        {%- else %}
        (
            {{ alias }}.{{ column }} is not null and staff_names.staff_name is null
            and exists (select 1 from staff_names)
        )
        {%- endif %}{{ ' or' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro -%}

{#- One number for the values of several columns, by which equal rows are found. -#}
{%- macro row_hash(columns) -%} {{ return(adapter.dispatch('row_hash')(columns)) }} {%- endmacro -%}

{%- macro duckdb__row_hash(columns) -%} hash({{ columns | join(', ') }}) {%- endmacro -%}
