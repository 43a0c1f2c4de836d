-- name: delete_checks
-- Removes the checks that were written before for a run's date and the models for which it holds.
-- Parameters: run_id, as_of.
delete from segmentation.drift_checks as checked
using segmentation.published_runs as published
where
    published.run_id = :run_id and published.as_of = :as_of
    and checked.as_of = published.as_of and checked.model = published.model;

-- name: insert_check
-- Adds a check.
-- Parameters: as_of, model, layer, check_name, subject, statistic, threshold, alarm, rows, reference_rows, description,
-- run_id, model_version_id.
insert into segmentation.drift_checks (
    as_of, model, layer, check_name, subject, statistic, threshold, alarm, rows, reference_rows, description, run_id,
    model_version_id
) values (
    :as_of, :model, :layer, :check_name, :subject, :statistic, :threshold, :alarm, :rows,
    :reference_rows, :description, :run_id, :model_version_id
);

-- name: insert_request
-- Notes that a night asked for a retraining; a second time changes nothing.
-- Parameters: run_id, as_of, models.
insert into segmentation.retraining_requests (run_id, as_of, models)
values (:run_id, :as_of, :models)
on conflict (run_id) do nothing;

-- name: last_request
-- Returns the latest date for which a retraining was asked, but for that of a run.
-- Parameters: run_id.
select max(as_of) from segmentation.retraining_requests where run_id <> :run_id;

-- name: lock_requests
-- Waits until nobody else decides whether to ask for a retraining.
select pg_advisory_xact_lock(hashtext('segmentation.retraining_requests'));

-- name: measures
-- Returns what a run's shards have counted.
-- Parameters: run_id.
select rows_rejected, profiles, measures from segmentation.run_shards where run_id = :run_id order by shard;

-- name: rolled_back
-- Returns the models whose champion was brought back by a roll-back: whatever has been refused since, nothing was
-- promoted.
select latest.model
from (
    select distinct on (model) model, decision
    from segmentation.promotions
    where decision in ('promoted', 'rolled_back')
    order by model, promotion_id desc
) as latest
where latest.decision = 'rolled_back'
order by latest.model;

-- name: run
-- Returns a run, the models for which it still holds, and whether its date is the latest.
-- Parameters: run_id.
select
    run.run_id, run.as_of, run.status,
    array(
        select published.model from segmentation.published_runs as published where published.run_id = run.run_id
    ) as models,
    run.as_of >= (select max(published.as_of) from segmentation.published_runs as published) as is_latest
from segmentation.scoring_runs as run
where run.run_id = :run_id;
