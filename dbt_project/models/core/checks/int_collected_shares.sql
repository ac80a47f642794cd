-- How likely each employee's count is among honest colleagues: a beta-binomial tail. Honest employees differ by
-- more than chance (regions, lines of business), so their own spread is measured, robustly, and allowed for.
-- Two passes: what sticks out in the first one is kept out of what the second takes for usual.
{%- set suspicion = var('suspicion') %}
with

counted as (
    select *, cast(hits as double) / trials as share from {{ ref('int_collected_counts') }}
),

ranked as (
    select
        *,
        row_number() over (partition by system, test order by share, trials desc, collector) as place,
        count(*) over (partition by system, test) as collectors
    from counted
),

compared as (
    select * from ranked where collectors > {{ suspicion.min_colleagues }}
),

lower_part as (
    select system, test, (sum(hits) + 0.5) / (sum(trials) + 1.0) as usual
    from compared
    where place <= ceil(0.67 * collectors)
    group by system, test
),

first_pass as (
    select
        compared.*,
        (compared.hits - compared.trials * lower_part.usual) / sqrt(
            compared.trials * lower_part.usual * (1 - lower_part.usual)
            * (1 + (compared.trials - 1) * {{ suspicion.least_spread }})
        ) <= 3 as is_usual
    from compared
    inner join lower_part on compared.system = lower_part.system and compared.test = lower_part.test
),

pools as (
    select
        system,
        test,
        sum(case when is_usual then hits else 0 end) as hits,
        sum(case when is_usual then trials else 0 end) as trials
    from first_pass
    group by system, test
),

-- Everybody is compared with the others, not with themselves.
expected as (
    select
        first_pass.*,
        greatest(
            (pools.hits - case when is_usual then first_pass.hits else 0 end + 0.5)
            / (pools.trials - case when is_usual then first_pass.trials else 0 end + 1.0),
            -- By the calendar alone, so much falls on the last days of a month.
            case when first_pass.test = 'deadline_burst' then {{ suspicion.deadline_days }} / 30.4 else 0 end
        ) as usual
    from first_pass
    inner join pools on first_pass.system = pools.system and first_pass.test = pools.test
),

-- Only downwards: invented records make all these shares larger, and would widen what passes for usual.
residuals as (
    select system, test, trials, (trials * usual - hits) / sqrt(trials * usual * (1 - usual)) as residual
    from expected
    where hits <= trials * usual
),

-- 1.4826 medians of the absolute residuals are a standard deviation; its square is 1 + (n - 1) rho.
spreads as (
    select
        system,
        test,
        least(0.5, greatest(
            {{ suspicion.least_spread }},
            (power(1.4826 * {{ middle('residual') }}, 2) - 1) / greatest({{ middle('trials') }} - 1, 1)
        )) as rho
    from residuals
    group by system, test
),

shaped as (
    select
        expected.*,
        rho,
        usual * (1 - rho) / rho as a,
        (1 - usual) * (1 - rho) / rho as b
    from expected
    inner join spreads on expected.system = spreads.system and expected.test = spreads.test
),

-- Twelve standard deviations further up nothing is left that would be seen in the sum.
bounded as (
    select
        *,
        least(trials, hits + 50 + ceil(12 * sqrt(trials * usual * (1 - usual) * (1 + (trials - 1) * rho)))) as last_term
    from shaped
),

terms as (
    {{ each_number('bounded', 'hits', 'last_term') }}
),

tails as (
    select
        system,
        collector,
        test,
        least(1.0, sum(exp({{ log_beta_binomial('k', 'trials', 'a', 'b') }}))) as p_value
    from terms
    group by system, collector, test
)

select
    shaped.system,
    shaped.collector,
    shaped.test,
    shaped.trials as records,
    shaped.share as observed,
    shaped.usual as expected_by_colleagues,
    cast(null as integer) as detail,
    tails.p_value
from shaped
inner join tails
    on shaped.system = tails.system and shaped.collector = tails.collector and shaped.test = tails.test
