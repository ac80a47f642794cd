-- How likely the digits are that each employee typed, going by colleagues': likelihood-ratio tests (G) of the last
-- four digits of mobile numbers, and of the steps between neighbours among the last five. What comes before
-- belongs to the network and the region, which differ honestly.
{%- set suspicion = var('suspicion') %}
with

numbers as (
    select distinct system, collector, typed from {{ ref('int_collected') }}
    where kind = 'phone' and {{ is_mobile('typed') }}
),

signs as (
    {%- for place in range(8, 12) %}
    select system, collector, 'last_digits' as test, cast(substr(typed, {{ place }}, 1) as integer) as category
    from numbers
    union all
    select
        system,
        collector,
        'digit_steps',
        (10 + cast(substr(typed, {{ place }}, 1) as integer) - cast(substr(typed, {{ place - 1 }}, 1) as integer)) % 10
    from numbers
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

categories as (
    select category from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as digits (category)
),

collectors as (
    select
        system,
        collector,
        test,
        count(*) as trials,
        count(*) over (partition by system, test) as collectors
    from signs
    group by system, collector, test
    having count(*) >= 4 * {{ suspicion.min_records }}
),

compared as (
    select * from collectors where collectors > {{ suspicion.min_colleagues }}
),

cells as (
    select
        compared.system,
        compared.collector,
        compared.test,
        compared.trials,
        categories.category,
        count(signs.category) as typed
    from compared
    cross join categories
    left join signs
        on compared.system = signs.system
        and compared.collector = signs.collector
        and compared.test = signs.test
        and categories.category = signs.category
    group by compared.system, compared.collector, compared.test, compared.trials, categories.category
),

-- The middle share of each digit among the employees: a few who make numbers up don't move it.
middles as (
    select system, test, category, {{ middle('cast(typed as double) / trials') }} as share
    from cells
    group by system, test, category
),

usual as (
    select
        system,
        test,
        category,
        (share + 0.002) / sum(share + 0.002) over (partition by system, test) as share
    from middles
),

cell_terms as (
    select
        cells.*,
        usual.share as usual,
        2 * case when cells.typed > 0 then cells.typed * ln(cells.typed / (cells.trials * usual.share)) else 0 end
            as term,
        cast(cells.typed as double) / cells.trials as share
    from cells
    inner join usual
        on cells.system = usual.system and cells.test = usual.test and cells.category = usual.category
),

favourites as (
    select
        *,
        row_number() over (
            partition by system, collector, test order by share - usual desc, category
        ) as place,
        sum(term) over (partition by system, collector, test) as g
    from cell_terms
),

-- 8.34 is the median of chi-square with 9 degrees of freedom: how much more honest employees differ than chance.
scales as (
    select system, test, greatest(1.0, {{ middle('g') }} / 8.34) as scale
    from favourites
    where place = 1
    group by system, test
)

select
    favourites.system,
    favourites.collector,
    favourites.test,
    favourites.trials as records,
    favourites.share as observed,
    favourites.usual as expected_by_colleagues,
    favourites.category as detail,
    {{ chi_square_tail_10('(favourites.g / scales.scale)') }} as p_value
from favourites
inner join scales on favourites.system = scales.system and favourites.test = scales.test
where favourites.place = 1
