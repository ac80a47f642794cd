{#- Every customer stands one level below its parent and in its parent's group, and the top of a group is its own.
    Levels only rise, so there is no circle. Failing means that a roll-up loses revenue or counts it twice. -#}
{% test rolls_up(model) %}

select members.customer_id
from {{ model }} as members
left join {{ model }} as parents on members.parent_customer_id = parents.customer_id
where case
    when members.parent_customer_id is null
        then members.level <> 0 or members.group_customer_id <> members.customer_id
    else parents.customer_id is null or members.level <> parents.level + 1
        or members.group_customer_id <> parents.group_customer_id
end

{% endtest %}
