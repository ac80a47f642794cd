{#- Numbers that somebody makes up, and the statistics of telling them from true ones. -#}

{#- Which kind of evidence each test per collecting employee belongs to; what it costs to look, per kind. -#}
{%- macro suspicion_kinds() -%}
    {{ return({
        'reach': ['never_reached', 'bounced'],
        'typing': ['last_digits', 'digit_steps', 'patterned', 'repeated', 'invalid'],
        'timing': ['deadline_burst'],
    }) }}
{%- endmacro -%}

{#- A mobile number of the mainland: its last four digits are nobody's choice and no region's. -#}
{%- macro is_mobile(number) -%} {{ matches(number, '^1[3-9][0-9]{9}$') }} {%- endmacro -%}

{#- Somebody's favourite keys: 5656, 5566, 8888, 3456 or 6543 in the last eight digits, or not even five different
    ones. Nearly one true number in four looks like that, so that only the share of them says something. -#}
{%- macro is_patterned(number) -%}
    {%- set parts = [] -%}
    {%- for one in range(10) -%}
        {%- do parts.append(one ~ '{4}') -%}
        {%- for other in range(10) if other != one -%}
            {%- do parts.append(one ~ other ~ one ~ other) -%}
            {%- do parts.append(one ~ one ~ other ~ other) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for first in range(7) -%}
        {%- set up = [first, first + 1, first + 2, first + 3] | join -%}
        {%- do parts.append(up) -%}
        {%- do parts.append(up | reverse) -%}
    {%- endfor -%}
    ({{ matches('right(' ~ number ~ ', 8)', parts | join('|')) }}
    or {% for digit in range(10) -%}
        case when position('{{ digit }}' in right({{ number }}, 8)) > 0 then 1 else 0 end{{ ' + ' if not loop.last }}
    {%- endfor %} < 5)
{%- endmacro -%}

{#- No telephone number of any kind, or one that everybody types who has none: 13800000000, 12345678. -#}
{%- macro is_invalid_number(number) -%}
    (not {{ matches(number, '^(1[3-9][0-9]{9}|0[1-9][0-9]{8,10}|[2-8][0-9]{6,7}|[48]00[0-9]{7}|9[56][0-9]{3,6}|00[1-9][0-9]{7,13})$') }}
    or {{ matches(number, '(0{8}|1{8}|2{8}|3{8}|4{8}|5{8}|6{8}|7{8}|8{8}|9{8}|12345678|87654321)') }})
{%- endmacro -%}

{#- No address, or one that everybody types who has none. -#}
{%- macro is_invalid_address(address) -%}
    (not {{ matches(address, '^[a-z0-9._%+-]+@[a-z0-9-]+([.][a-z0-9-]+)+$') }}
    or {{ matches(address, '^(test|abc|aaa+|123+4?5?6?|111+|000+|none|no|null|xxx+)@') }})
{%- endmacro -%}

{#- The last day of a day's month. -#}
{%- macro last_of_month(day) -%} {{ return(adapter.dispatch('last_of_month')(day)) }} {%- endmacro -%}
{%- macro duckdb__last_of_month(day) -%} last_day({{ day }}) {%- endmacro -%}

{%- macro log_gamma(value) -%} {{ return(adapter.dispatch('log_gamma')(value)) }} {%- endmacro -%}
{%- macro duckdb__log_gamma(value) -%} lgamma({{ value }}) {%- endmacro -%}

{%- macro middle(value) -%} {{ return(adapter.dispatch('middle')(value)) }} {%- endmacro -%}
{%- macro duckdb__middle(value) -%} median({{ value }}) {%- endmacro -%}

{#- One row per whole number from `first` to `last` of each row of `relation`: column k. -#}
{%- macro each_number(relation, first, last) -%}
    {{ return(adapter.dispatch('each_number')(relation, first, last)) }}
{%- endmacro -%}
{%- macro duckdb__each_number(relation, first, last) -%}
    select *, unnest(generate_series(cast({{ first }} as bigint), cast({{ last }} as bigint))) as k from {{ relation }}
{%- endmacro -%}

{#- log of the beta-binomial probability of k out of n; a = p (1 - rho) / rho, b = (1 - p) (1 - rho) / rho.
    Skellam (1948): binomial counts whose probability itself differs from employee to employee. -#}
{%- macro log_beta_binomial(k, n, a, b) -%}
    {{ log_gamma(n ~ ' + 1') }} - {{ log_gamma(k ~ ' + 1') }} - {{ log_gamma(n ~ ' - ' ~ k ~ ' + 1') }}
    + {{ log_gamma(k ~ ' + ' ~ a) }} + {{ log_gamma(n ~ ' - ' ~ k ~ ' + ' ~ b) }}
    - {{ log_gamma(n ~ ' + ' ~ a ~ ' + ' ~ b) }}
    + {{ log_gamma(a ~ ' + ' ~ b) }} - {{ log_gamma(a) }} - {{ log_gamma(b) }}
{%- endmacro -%}

{#- P(chi-square with 10 degrees of freedom > x): an even number has a closed form, exp(-x/2) times a finite sum.
    Ten categories have 9 degrees, so that this errs on the employee's side. -#}
{%- macro chi_square_tail_10(x) -%}
    exp(-{{ x }} / 2) * (
        1 + {{ x }} / 2 + power({{ x }} / 2, 2) / 2 + power({{ x }} / 2, 3) / 6 + power({{ x }} / 2, 4) / 24
    )
{%- endmacro -%}

{#- Benjamini and Hochberg (1995): p-values of one test on all employees, corrected for there being many of them. -#}
{%- macro benjamini_hochberg(p_value, partition_by) -%}
    least(1.0, min({{ p_value }} * tests / rank_of_p) over (
        partition by {{ partition_by }} order by rank_of_p desc
        rows between unbounded preceding and current row
    ))
{%- endmacro -%}
