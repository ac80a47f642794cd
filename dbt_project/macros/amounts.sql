{#- What is wrong with an amount, told by another one of the same thing; amounts may be of any size, as typed. -#}

{#- True where one is the other in 万元: 1.23 beside 12,345 (two decimals of 万 leave 50 yuan open). -#}
{%- macro is_in_other_unit(amount, told) -%}
    (
        sign({{ amount }}) = sign({{ told }}) and {{ amount }} <> 0
        and (
            abs({{ wide(amount) }}) * 1000 < abs({{ told }}) and abs({{ wide(amount) }} * 10000 - {{ told }}) <= 50.001
            or abs({{ wide(told) }}) * 1000 < abs({{ amount }}) and abs({{ wide(told) }} * 10000 - {{ amount }}) <= 50.001
        )
    )
{%- endmacro -%}

{#- True where the amount is of the size of the usual one only when it is read in 万元, or written out of it. -#}
{%- macro is_of_other_size(amount, usual, spread) -%}
    (
        abs({{ wide(amount) }}) * 10000 between {{ usual }} / {{ spread }} and {{ wide(usual) }} * {{ spread }}
        or abs({{ wide(amount) }}) / 10000 between {{ usual }} / {{ spread }} and {{ wide(usual) }} * {{ spread }}
    )
{%- endmacro -%}

{#- An amount with room to be multiplied; a double, which is faster than a wider decimal. -#}
{%- macro wide(amount) -%}
    cast({{ amount }} as double)
{%- endmacro -%}

{#- True where the amount lacks one of the taxes that are in the other one; `roundings`: how many are in it. -#}
{%- macro is_without_tax(amount, told, rates, roundings=1) -%}
    (
        {{ amount }} <> 0
        and (
            {%- for rate in rates %}
            abs({{ wide(amount) }} * (1 + {{ rate }}) - {{ told }}) <= {{ var('quality').rounding }} * {{ roundings }} + 0.0001{{ ' or' if not loop.last }}
            {%- endfor %}
        )
        and abs({{ amount }} - {{ told }}) > 2 * {{ var('quality').rounding }} * {{ roundings }}
    )
{%- endmacro -%}

{#- A document's number as two systems may write it: letters and digits alone, in capitals. -#}
{%- macro document_key(number) -%}
    nullif(upper({{ comparable_text(number) }}), '')
{%- endmacro -%}
