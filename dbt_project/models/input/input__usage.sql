{{ union_entity('usage') }}
