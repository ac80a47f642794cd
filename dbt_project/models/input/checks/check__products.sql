{{ record_checks('products', alike=['product_name', 'category', 'unit'], has_customer=false) }}
