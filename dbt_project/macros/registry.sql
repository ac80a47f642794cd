{#- Written by Guike from the systems and the names of their staging models; don't edit. -#}
{%- macro staging_registry() -%}
{{ return({
    'customers': ['stg_crm__customers', 'stg_erp__customers', 'stg_members__customers', 'stg_wechat__customers'],
    'contacts': ['stg_crm__contacts'],
    'staff': ['stg_crm__staff', 'stg_erp__staff', 'stg_hr__staff'],
    'products': ['stg_crm__products', 'stg_erp__products'],
    'orders': ['stg_crm__orders', 'stg_erp__orders', 'stg_ledger__orders', 'stg_members__orders'],
    'order_lines': ['stg_crm__order_lines', 'stg_erp__order_lines'],
    'payments': ['stg_crm__payments', 'stg_erp__payments', 'stg_erp__payments__documents', 'stg_ledger__payments'],
    'receivables': ['stg_crm__receivables', 'stg_ledger__receivables'],
    'contracts': ['stg_crm__contracts'],
    'interactions': ['stg_callcentre__interactions', 'stg_crm__interactions', 'stg_crm__interactions__calls', 'stg_crm__interactions__visits', 'stg_wechat__interactions'],
    'tickets': ['stg_callcentre__tickets'],
    'quotes': ['stg_crm__quotes'],
    'surveys': ['stg_surveys__surveys'],
    'service_costs': ['stg_ledger__service_costs'],
    'account_notes': ['stg_notes__account_notes'],
    'referrals': ['stg_surveys__referrals'],
    'usage': ['stg_platform__usage'],
}) }}
{%- endmacro -%}

{#- System -> the zone in which it writes its times. -#}
{%- macro system_timezones() -%}
{{ return({
    'callcentre': 'Asia/Shanghai',
    'crm': 'Asia/Shanghai',
    'erp': 'Asia/Shanghai',
    'hr': 'Asia/Shanghai',
    'ledger': 'Asia/Shanghai',
    'members': 'Asia/Shanghai',
    'notes': 'Asia/Shanghai',
    'platform': 'Asia/Shanghai',
    'surveys': 'Asia/Shanghai',
    'wechat': 'Asia/Shanghai',
}) }}
{%- endmacro -%}
