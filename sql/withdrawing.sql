-- name: delete_checks
-- Removes the drift checks of a model and date.
-- Parameters: model, as_of.
delete from segmentation.drift_checks where model = :model and as_of = :as_of;

-- name: delete_groups
-- Removes the protected groups of a model and date.
-- Parameters: model, as_of.
delete from segmentation.segment_groups where model = :model and as_of = :as_of;

-- name: delete_overall_averages
-- Removes the averages of all customers of a model and date.
-- Parameters: model, as_of.
delete from segmentation.overall_averages where model = :model and as_of = :as_of;

-- name: delete_profiles
-- Removes the profiles of a model and date.
-- Parameters: model, as_of.
delete from segmentation.segment_profiles where model = :model and as_of = :as_of;

-- name: delete_requests
-- Removes the requests for a retraining that are left without a model.
delete from segmentation.retraining_requests where models = '{}';

-- name: delete_segments
-- Removes the segments of a model and date.
-- Parameters: model, as_of.
delete from segmentation.segments where model = :model and as_of = :as_of;

-- name: ended_retirements
-- Returns the retirements of a model that a date had to do with: one that it ended, and one that began on the day after
-- it because it was the latest date; with when they would have begun without it.
-- Parameters: model, as_of.
select
    retired.retirement_id, retired.run_id, retired.retired_by, retired.reason, retired.retired_on, retired.returned_on,
    case
        when retired.retired_on = :as_of::date + 1
        then greatest(
            coalesce(run.as_of, (retired.retired_at at time zone 'UTC')::date),
            (
                select max(published.as_of) + 1
                from segmentation.published_runs as published
                where published.model = :model and published.as_of < :as_of
            )
        )
        else retired.retired_on
    end as begins
from segmentation.model_retirements as retired
left join segmentation.scoring_runs as run on run.run_id = retired.run_id
where
    retired.model = :model
    and (retired.returned_on = :as_of or (retired.returned_on is null and retired.retired_on = :as_of::date + 1))
order by retired.retirement_id;

-- name: history_begins
-- Returns the first date whose periods retention may not have removed.
-- Parameters: days.
select least((select max(as_of) from segmentation.published_runs), current_date) - :days::integer + 1;

-- name: leave_request
-- Takes a model out of the requests for a retraining of a run.
-- Parameters: run_id, model.
update segmentation.retraining_requests set models = array_remove(models, :model) where run_id = :run_id;

-- name: lock_kept
-- Keeps retention from dropping the labels of a run until the transaction ends; returns the run if they are there.
-- Parameters: run_id.
select run_id
from segmentation.scoring_runs
where run_id = :run_id and labels_expired_at is null and labels_dropped_at is null
for share;

-- name: mark
-- Notes that a run was taken back for a model, and ends it where it holds for no model any more; returns its status.
-- Parameters: run_id, note.
update segmentation.scoring_runs as run
set
    withdrawn_xid = pg_current_xact_id(),
    note = :note,
    status = case
        when exists (select from segmentation.published_runs as published where published.run_id = run.run_id)
        then run.status else 'withdrawn'
    end
where run.run_id = :run_id
returning run.status;

-- name: nearest
-- Returns the dates that are published of some models next to a date, and what is kept of its last withdrawal.
-- Parameters: as_of, models (an array of names; null for all).
select
    max(published.as_of) filter (where published.as_of < :as_of) as before,
    min(published.as_of) filter (where published.as_of > :as_of) as after,
    (
        select run.note
        from segmentation.scoring_runs as run
        where run.as_of = :as_of and run.withdrawn_xid is not null
        order by run.withdrawn_xid desc
        limit 1
    ) as note
from segmentation.published_runs as published
where :models::text[] is null or published.model = any(:models::text[]);

-- name: next_night_without
-- Returns the first night that was published after a moment without a model, and before the model came back, for a date
-- that is not before the model's latest; no row where there is none.
-- Parameters: model, moment, latest, returned_on (null where it has not come back).
select published.run_id, published.as_of
from segmentation.published_runs as published
where
    published.published_at > :moment and published.as_of >= :latest
    and not exists (
        select from segmentation.run_models as made where made.run_id = published.run_id and made.model = :model
    )
    and published.published_at < coalesce(
        (
            select back.published_at
            from segmentation.published_runs as back
            where back.model = :model and back.as_of = :returned_on::date
        ),
        'infinity'
    )
order by published.published_at, published.run_id
limit 1;

-- name: retired_by_night
-- Returns the models that the runs of a date have retired, in order.
-- Parameters: as_of.
select
    retired.retirement_id, retired.model, retired.retired_on, retired.returned_on, retired.reason,
    coalesce(run.finished_at, retired.retired_at) as noticed_at
from segmentation.model_retirements as retired
join segmentation.scoring_runs as run on run.run_id = retired.run_id
where run.as_of = :as_of and (retired.returned_on is null or retired.returned_on > retired.retired_on)
order by retired.model;

-- name: trained_since
-- Returns the champions of some models that were trained since a run began, with their versions.
-- Parameters: run_id, models (an array of names).
select version.model, version.version, version.trained_at
from segmentation.model_versions as version
join segmentation.scoring_runs as run on run.run_id = :run_id
where
    version.model = any(:models) and version.status = 'champion' and version.trained_at >= run.started_at
order by version.model;
