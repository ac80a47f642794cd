{{ union_entity('referrals') }}
