{{ union_entity('service_costs') }}
