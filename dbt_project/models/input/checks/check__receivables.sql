{{ record_checks(
    'receivables', alike=['customer_source_id', 'customer_name', 'document_no', 'due_on', 'amount_gross'],
    name='customer_name',
) }}
