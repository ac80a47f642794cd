{{ record_checks(
    'interactions',
    alike=[
        'customer_source_id', 'customer_name', 'customer_phone', 'staff_source_id', 'staff_name', 'channel',
        'direction', 'occurred_at', 'summary',
    ],
    name='customer_name', staff=['staff_source_id', 'staff_name'],
) }}
