{{ record_checks(
    'referrals', alike=['customer_source_id', 'customer_name', 'customer_phone', 'referred_name', 'referred_phone'],
    further={'is_own_referral': phone_digits('records.customer_phone') ~ ' = ' ~ phone_digits('records.referred_phone')},
) }}
