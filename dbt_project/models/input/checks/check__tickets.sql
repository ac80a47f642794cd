{{ record_checks(
    'tickets', alike=['customer_source_id', 'customer_name', 'customer_phone', 'kind', 'opened_at', 'summary'],
    name='customer_name',
) }}
