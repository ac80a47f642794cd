{#- The staging models that end in an entity, of whatever system; `registry.sql` knows them by their names. -#}
{%- macro staging_models(entity) -%}
    {{ return(staging_registry().get(entity, [])) }}
{%- endmacro -%}

{#- One entity of the input contract: the union of all systems' staging models for it.

    The columns and their types are those of the model's own contract in the YAML. What a staging model doesn't
    have is null there; what it has beyond the contract is an error, because it would be lost without a word.
    `system` comes from the staging model's name. Without any staging model the result has no row. -#}
{%- macro union_entity(entity) -%}
    {#- dbt learns what a model depends on while it parses, before any column is known. -#}
    {%- set relations = {} -%}
    {%- for name in staging_models(entity) -%}{%- do relations.update({name: ref(name)}) -%}{%- endfor -%}
    {%- if execute -%}
        {%- for name, relation in relations.items() %}
{{ contract_select(name, relation, model.columns) }}
{{ 'union all' if not loop.last }}
        {%- else %}
{{ empty_contract(model.columns) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}

{#- All columns of the contract from one staging model. -#}
{%- macro contract_select(name, relation, contract) -%}
    {%- set given = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
    {%- do check_staging_columns(name, given, contract) -%}
    {%- set parts = ["'" ~ name.removeprefix('stg_').split('__')[0] ~ "' as system"] -%}
    {%- for column in contract.values() if column.name != 'system' -%}
        {%- set value = column.name if column.name in given else 'null' -%}
        {%- do parts.append('cast(' ~ value ~ ' as ' ~ column.data_type ~ ') as ' ~ column.name) -%}
    {%- endfor -%}
select
    {{ parts | join(',\n    ') }}
from {{ relation }}
{%- endmacro -%}

{%- macro empty_contract(contract) -%}
    {%- set parts = [] -%}
    {%- for column in contract.values() -%}
        {%- do parts.append('cast(null as ' ~ column.data_type ~ ') as ' ~ column.name) -%}
    {%- endfor -%}
select
    {{ parts | join(',\n    ') }}
where false
{%- endmacro -%}

{%- macro check_staging_columns(name, given, contract) -%}
    {%- if not given -%}
        {{ exceptions.raise_compiler_error(
            name ~ ' is not in the warehouse yet. Build it first: dbt build --select path:models/staging'
        ) }}
    {%- endif -%}
    {%- set unknown = given | reject('in', contract.keys() | list) | list -%}
    {%- set missing = ['source_table', 'source_id', 'loaded_at'] | reject('in', given) | list -%}
    {%- if 'system' in given or unknown or missing -%}
        {{ exceptions.raise_compiler_error(
            name ~ ' does not fit the input contract.'
            ~ '\n  not in the contract: ' ~ (unknown | join(', ') or '–')
            ~ '\n  must be there: ' ~ (missing | join(', ') or '–')
            ~ ('\n  comes from the name of the model: system' if 'system' in given else '')
            ~ '\n  ' ~ name ~ ' has: ' ~ given | join(', ')
            ~ '\n  the contract has: ' ~ contract.keys() | join(', ')
        ) }}
    {%- endif -%}
{%- endmacro -%}
