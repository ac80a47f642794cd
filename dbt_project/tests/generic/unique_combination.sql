{#- The columns together tell the rows apart and are all there. Failing means that the model's grain is not
    the one it states, and whoever joins on it counts rows twice. -#}
{% test unique_combination(model, columns) %}

select {{ columns | join(', ') }}, count(*) as rows_with_key
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1 {% for column in columns %}or {{ column }} is null {% endfor %}

{% endtest %}
