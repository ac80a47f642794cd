{{ record_checks(
    'surveys',
    alike=[
        'customer_source_id', 'customer_name', 'customer_phone', 'customer_email', 'contact_role', 'surveyed_at', 'score',
    ],
    name='customer_name',
) }}
