{{ record_checks(
    'account_notes', alike=['customer_source_id', 'customer_name', 'period_start', 'period_end', 'staff_name'],
    staff=['staff_name'],
) }}
