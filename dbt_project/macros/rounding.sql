{#- Whole cents whose sum is the rounded sum: what rounding leaves over is carried to the next row instead of
    being lost on each. Where a source computes lines from price × quantity × (1 − discount), rounding every
    line by itself would drift away from the source's own total. `order_by` must be a total order of the rows
    (the key), so that a row added at the end changes no earlier one. -#}
{%- macro carry_rounding(amount, order_by) -%}
    cast(
        round(sum({{ amount }}) over (order by {{ order_by }} rows unbounded preceding), 2)
        - round(
            coalesce(
                sum({{ amount }}) over (order by {{ order_by }} rows between unbounded preceding and 1 preceding),
                0
            ),
            2
        ) as decimal(18, 2)
    )
{%- endmacro -%}
