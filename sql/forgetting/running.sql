-- Returns the runs that are being scored.
select run_id, as_of from segmentation.scoring_runs where status = 'running' order by run_id
