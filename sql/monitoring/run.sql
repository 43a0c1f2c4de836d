-- Returns a run, the models for which it still holds, and whether its date is the latest. Parameters: run_id.
select
    run.run_id, run.as_of, run.status, run.rows_rejected,
    array(
        select published.model from segmentation.published_runs as published where published.run_id = run.run_id
    ) as models,
    run.as_of >= (select max(published.as_of) from segmentation.published_runs as published) as is_latest
from segmentation.scoring_runs as run
where run.run_id = %(run_id)s
