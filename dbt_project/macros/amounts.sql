{#- What is wrong with an amount, told by another one of the same thing. -#}

{#- True where one is the other in 万元: 1.23 beside 12,345 (two decimals of 万 leave 50 yuan open). -#}
{%- macro is_in_other_unit(amount, told) -%}
    (
        sign({{ amount }}) = sign({{ told }}) and {{ amount }} <> 0
        and (
            (abs({{ amount }}) * 1000 < abs({{ told }}) and abs({{ amount }} * 10000 - {{ told }}) <= 50)
            or (abs({{ told }}) * 1000 < abs({{ amount }}) and abs({{ told }} * 10000 - {{ amount }}) <= 50)
        )
    )
{%- endmacro -%}

{#- True where the amount is of the size of the usual one only when it is read in 万元, or written out of it. -#}
{%- macro is_of_other_size(amount, usual, spread) -%}
    (
        abs({{ amount }}) * 10000 between {{ usual }} / {{ spread }} and {{ usual }} * {{ spread }}
        or abs({{ amount }}) / 10000 between {{ usual }} / {{ spread }} and {{ usual }} * {{ spread }}
    )
{%- endmacro -%}

{#- True where the amount lacks one of the taxes that are in the other one; `cents`: how many roundings are in it. -#}
{%- macro is_without_tax(amount, told, rates, roundings=1) -%}
    (
        {{ amount }} <> 0
        and (
            {%- for rate in rates %}
            abs({{ amount }} * (1 + {{ rate }}) - {{ told }}) <= {{ var('quality').rounding }} * {{ roundings }}{{ ' or' if not loop.last }}
            {%- endfor %}
        )
        and abs({{ amount }} - {{ told }}) > 2 * {{ var('quality').rounding }} * {{ roundings }}
    )
{%- endmacro -%}

{#- A document's number as two systems may write it: letters and digits alone, in capitals. -#}
{%- macro document_key(number) -%}
    nullif(upper({{ comparable_text(number) }}), '')
{%- endmacro -%}
