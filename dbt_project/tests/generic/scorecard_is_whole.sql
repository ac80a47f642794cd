{#- The scorecard's totals are those of quality.check_counts, system by system, and its rows are told apart by
    what they are said to be about. Failing means that a score is made of other figures than the gates counted:
    of some twice, or of some not at all. -#}
{% test scorecard_is_whole(model) %}

with

counted as (
    select system, entity, dimension, sum(checked) as checked, sum(failed) as failed
    from {{ source('quality', 'check_counts') }}
    where severity <> 'info'
    group by system, entity, dimension
    having sum(checked) > 0
),

scored as (
    select system, entity, dimension, sum(checked) as checked, sum(failed) as failed
    from {{ model }}
    group by system, entity, dimension
)

select system, entity, dimension, 'totals differ' as what
from counted
full outer join scored using (system, entity, dimension)
where counted.checked is distinct from scored.checked or counted.failed is distinct from scored.failed

union all

select system, entity, dimension, 'two rows' as what
from {{ model }}
group by system, staff, entity, dimension, month
having count(*) > 1

union all

select system, entity, dimension, 'no share' as what
from {{ model }}
where score < 0 or score > 1 or checked <= 0 or failed < 0

{% endtest %}
