{{ union_entity('payments') }}
