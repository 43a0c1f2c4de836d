-- Returns a run's date. Parameters: run_id.
select as_of from segmentation.scoring_runs where run_id = %(run_id)s
