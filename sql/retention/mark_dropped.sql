-- Notes that a run's labels are gone. Parameters: run_id.
update segmentation.scoring_runs set labels_dropped_at = now() where run_id = %(run_id)s
