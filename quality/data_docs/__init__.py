"""Great Expectations Data Docs of what the gates evaluated: a static site that opens without a network.

Comes in: `quality.rule_results` and the catalogue. Goes out: `<home>/quality/data_docs/index.html`, with one
validation result per run and suite (an entity at a gate): counts per rule and system, what each rule means
and what to do, and never a value of a record. `suites` makes Great Expectations' own validation results,
`words` and `view` put its pages into both languages and rid them of what they load from elsewhere, `site`
writes them.
"""
