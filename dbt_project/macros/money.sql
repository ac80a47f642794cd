{#- Money as DECIMAL(18,2) in yuan, whatever the text it stands in. -#}

{#- Text as money: 1234.5, 1,234.50, ￥1,234.50, １２３４元, 12.5万元, 3万. Anything else is null.
    A plain number is cast straight from the text, once: that is how the systems' own controls round. -#}
{%- macro to_money(text) -%} {{ return(adapter.dispatch('to_money')(text)) }} {%- endmacro -%}

{%- macro duckdb__to_money(text) -%}
    coalesce(
        try_cast({{ text }} as decimal(18, 2)),
        try_cast(
            try_cast(
                regexp_replace({{ half_width(text) }}, '[￥¥,，元万\s]|RMB|CNY', '', 'g') as decimal(24, 8)
            )
            * case when {{ text }} like '%万%' then 10000 else 1 end as decimal(18, 2)
        )
    )
{%- endmacro -%}

{#- A number of up to six decimals with thousands commas (an amount in 万元, say), not yet rounded to cents; wide
    enough to be multiplied by 10,000 and a tax rate. -#}
{%- macro to_exact_number(text) -%}
    {{ try_to("replace(replace(" ~ text ~ ", ',', ''), '，', '')", 'decimal(24, 6)') }}
{%- endmacro -%}

{#- A tax rate as a fraction: 6%, 0.06 and 6 are all 0.06; nothing is 0. -#}
{%- macro to_tax_rate(text) -%}
    {%- set number = try_to("replace(" ~ text ~ ", '%', '')", 'decimal(9, 6)') -%}
    cast(
        coalesce(
            case when {{ text }} like '%\%%' escape '\' or {{ number }} >= 1 then {{ number }} / 100 else {{ number }} end,
            0
        ) as decimal(9, 6)
    )
{%- endmacro -%}

{#- The amount without the tax that is in it; `rate` is a fraction. -#}
{%- macro net_of_tax(amount, rate) -%} cast({{ amount }} / (1 + {{ rate }}) as decimal(18, 2)) {%- endmacro -%}
