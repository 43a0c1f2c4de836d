-- Writes the result of a run. Parameters: run_id, status, rows_read, rows_labelled, rows_rejected.
update segmentation.scoring_runs
set
    status = %(status)s, rows_read = %(rows_read)s, rows_labelled = %(rows_labelled)s,
    rows_rejected = %(rows_rejected)s, finished_at = now()
where run_id = %(run_id)s
