-- Ends a run that is still going on. Parameters: run_id, note.
update segmentation.scoring_runs
set status = 'abandoned', note = %(note)s, finished_at = now()
where run_id = %(run_id)s and status = 'running'
