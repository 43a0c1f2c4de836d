-- Adds a check. Parameters: the columns.
insert into segmentation.drift_checks (
    as_of, model, layer, check_name, subject, statistic, threshold, alarm, rows, reference_rows, description, run_id,
    model_version_id
) values (
    %(as_of)s, %(model)s, %(layer)s, %(check_name)s, %(subject)s, %(statistic)s, %(threshold)s, %(alarm)s, %(rows)s,
    %(reference_rows)s, %(description)s, %(run_id)s, %(model_version_id)s
)
