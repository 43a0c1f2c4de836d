-- Marks the runs of a date that no longer hold for any model. Parameters: run_id, as_of.
update segmentation.scoring_runs as run
set status = 'replaced'
where
    run.as_of = %(as_of)s and run.status = 'published' and run.run_id <> %(run_id)s
    and not exists (select from segmentation.published_runs as published where published.run_id = run.run_id)
