{{ union_entity('receivables') }}
