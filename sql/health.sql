-- name: latest
-- Returns the latest published date of a model.
-- Parameters: model.
select max(as_of) from segmentation.published_runs where model = :model;

-- name: nights
-- Returns what is to be said of the latest published dates of a model up to one, newest first; null is the latest.
-- Parameters: model, as_of, at_most.
select
    night.as_of,
    night.run_id,
    night.published_at,
    version.version,
    version.structure,
    run.rows_read,
    run.rows_rejected,
    run.source_time,
    drift.checks as drift_checks,
    drift.alarms as drift_alarms,
    drift.words as drift_words,
    coalesce(found.pairs, '[]') as findings,
    -- In UTC, or the night's own date where that has begun somewhere: east of it the day is a later one already.
    case
        when
            night.as_of between (now() at time zone 'UTC')::date
            and (now() at time zone 'UTC' + interval '14 hours')::date
        then night.as_of
        else (now() at time zone 'UTC')::date
    end as today
from segmentation.published_runs as night
join segmentation.scoring_runs as run on run.run_id = night.run_id
join segmentation.model_versions as version on version.model_version_id = night.model_version_id
cross join lateral (
    select
        count(*) as checks,
        count(*) filter (where checked.alarm) as alarms,
        (
            array_agg(checked.description order by checked.statistic / nullif(checked.threshold, 0) desc nulls last)
            filter (where checked.alarm)
        )[1] as words
    from segmentation.drift_checks as checked
    where checked.as_of = night.as_of and checked.model = night.model and checked.run_id = night.run_id
) as drift
cross join lateral (
    select
        jsonb_agg(
            jsonb_build_array(
                finding.check_name,
                -- The reason names a file of the store.
                case finding.check_name
                    when 'drift_unchecked' then format('%s was not checked for drift', finding.subject)
                    else finding.description
                end
            )
            order by finding.finding, finding.check_name, finding.value desc, finding.subject
        ) as pairs
    from segmentation.night_checks as finding
    where
        finding.run_id = night.run_id
        and finding.finding is not null
        and (finding.model is null or finding.model = night.model)
) as found
where night.model = :model and (:as_of::date is null or night.as_of <= :as_of)
order by night.as_of desc
limit :at_most;

-- name: retirement
-- Returns since when and why a model is retired; no row where it is not.
-- Parameters: model.
select retired_on, reason
from segmentation.model_retirements
where model = :model and returned_on is null;

-- name: segments
-- Returns how far the segments of a model could be relied on, on some dates.
-- Parameters: model, dates (an array).
select as_of, segment_id, segment_name, trust, own_reasons, night_reasons
from segmentation.dated_segment_health
where model = :model and as_of = any(:dates)
order by as_of desc, segment_id = 0, segment_id;

-- name: unpublished
-- Returns the run of the latest date for a model that readers are not shown, of a later date than another run or of its
-- date and after it; a run from before the first one is 0.
-- Parameters: model, as_of, run_id.
select
    run.run_id,
    run.as_of,
    run.status,
    -- Of a run that was not held, the reason is an error, whose line may name a file or a host.
    case when run.held_at is not null then run.note end as reason,
    failure.run_id is not null as is_left_out,
    coalesce(failure.failed_at, run.held_at, run.finished_at, run.started_at) as since
from segmentation.scoring_runs as run
left join segmentation.run_models as made on made.run_id = run.run_id and made.model = :model
left join segmentation.run_failures as failure on failure.run_id = run.run_id and failure.model = :model
where
    (:as_of::date is null or run.as_of > :as_of or (run.as_of = :as_of and run.run_id > :run_id))
    and not run.dry_run
    and (made.model is not null or failure.model is not null)
    and (failure.model is not null or run.status in ('running', 'held', 'abandoned'))
order by run.as_of desc, run.run_id desc
limit 1;
