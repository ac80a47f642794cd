{#- (system, source_table, source_id) is there in every row and tells the rows apart. Failing means that a
    staging model gives no stable key: identity, set-aside records and reconciliation would mix rows up. -#}
{% test is_record_key(model) %}

select system, source_table, source_id, count(*) as rows_with_key
from {{ model }}
group by system, source_table, source_id
having count(*) > 1 or system is null or source_table is null or source_id is null

{% endtest %}
