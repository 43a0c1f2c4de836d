-- name: alarms
-- Returns the drift checks that alarmed, of the models for which a run holds.
-- Parameters: run_id.
select
    checked.model, checked.layer, checked.check_name, checked.subject, checked.statistic, checked.threshold,
    checked.description
from segmentation.drift_checks as checked
join segmentation.published_runs as published
    on published.run_id = checked.run_id and published.model = checked.model
where checked.run_id = :run_id and checked.alarm
order by checked.model, checked.layer, checked.check_name, checked.subject;

-- name: checks
-- Returns how many drift checks were made for a run.
-- Parameters: run_id.
select count(*) from segmentation.drift_checks where run_id = :run_id;

-- name: delete_checks
-- Removes the drift checks that were published before for a run's date and models.
-- Parameters: run_id, as_of.
delete from segmentation.drift_checks as checked
using segmentation.run_models as made
where made.run_id = :run_id and checked.as_of = :as_of and checked.model = made.model;

-- name: publish_checks
-- Publishes the drift checks that were made of a run.
-- Parameters: run_id, as_of.
insert into segmentation.drift_checks (
    as_of, model, layer, check_name, subject, statistic, threshold, alarm, rows, reference_rows, description, run_id,
    model_version_id
)
select
    :as_of, found.model, found.layer, found.check_name, found.subject, found.statistic, found.threshold, found.alarm,
    found.rows, found.reference_rows, found.description, :run_id, found.model_version_id
from segmentation.run_measures as measure
cross join jsonb_to_recordset(measure.drift) as found (
    model text, layer text, check_name text, subject text, statistic double precision, threshold double precision,
    alarm boolean, rows bigint, reference_rows bigint, description text, model_version_id bigint
)
join segmentation.run_models as made on made.run_id = measure.run_id and made.model = found.model
where measure.run_id = :run_id;

-- name: drift
-- Returns the drift checks of some models on a published date, alarms first, then those nearest to their limit; a date
-- of null is the latest of each.
-- Parameters: models (an array of names), as_of.
select
    checked.model, checked.as_of, checked.layer, checked.check_name, checked.subject, checked.statistic,
    checked.threshold, checked.alarm, checked.description
from segmentation.drift_checks as checked
join segmentation.published_runs as published
    on published.run_id = checked.run_id and published.model = checked.model
where
    checked.model = any(:models)
    and checked.as_of = coalesce(
        :as_of, (select max(latest.as_of) from segmentation.published_runs as latest where latest.model = checked.model)
    )
order by
    checked.alarm desc, checked.statistic / nullif(checked.threshold, 0) desc nulls last, checked.model,
    checked.layer, checked.check_name, checked.subject;

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
