{{ record_checks(
    'quotes', alike=['customer_source_id', 'customer_name', 'staff_source_id', 'project', 'quoted_at', 'amount_gross'],
    staff=['staff_source_id'],
) }}
