{{ union_entity('account_notes') }}
