{{ union_entity('quotes') }}
