{{ record_checks(
    'service_costs', alike=['customer_source_id', 'customer_name', 'incurred_on', 'kind', 'amount_gross'],
    name='customer_name',
) }}
