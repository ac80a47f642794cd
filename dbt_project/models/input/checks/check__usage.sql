{{ record_checks('usage', alike=['account_id', 'used_on']) }}
