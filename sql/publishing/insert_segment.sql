-- Adds a segment. Names: average_columns, average_values. Parameters: the columns.
insert into segmentation.segments (
    as_of, model, segment_id, segment_name, description, recommended_action, customers, share,
    rule, rule_sql, rule_coverage, rule_precision, rule_fidelity, stability, stability_band, structure,
    run_id, model_version_id {average_columns}
) values (
    %(as_of)s, %(model)s, %(segment_id)s, %(segment_name)s, %(description)s, %(recommended_action)s, %(customers)s,
    %(share)s, %(rule)s, %(rule_sql)s, %(rule_coverage)s, %(rule_precision)s, %(rule_fidelity)s, %(stability)s,
    %(stability_band)s, %(structure)s, %(run_id)s, %(model_version_id)s {average_values}
)
