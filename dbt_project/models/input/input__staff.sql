{{ union_entity('staff') }}
