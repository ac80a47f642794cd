{{ record_checks(
    'contacts', alike=['customer_source_id', 'contact_name', 'customer_phone', 'customer_email'],
    name='contact_name',
) }}
