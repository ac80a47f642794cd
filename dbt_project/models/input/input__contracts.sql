{{ union_entity('contracts') }}
