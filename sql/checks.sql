-- name: base
-- Returns what the source looked like on the latest date before a run's, of which run, and whether it was read by the
-- same contract. Where there is no date before, of the run that holds on this one.
-- Parameters: as_of, source_sha256.
select run.run_id, run.as_of, measure.counts, measure.source_sha256 = :source_sha256 as same_source
from segmentation.published_runs as published
join segmentation.scoring_runs as run on run.run_id = published.run_id
join segmentation.run_measures as measure on measure.run_id = run.run_id
where published.as_of <= :as_of
order by published.as_of < :as_of desc, published.as_of desc, run.run_id desc
limit 1;

-- name: copied_from
-- Returns the latest date before another on which a published run of the same contract read just what was counted now.
-- Parameters: before, as_of, nights (how many days back), counts, source_sha256.
select max(run.as_of)
from segmentation.scoring_runs as run
join segmentation.run_measures as measure on measure.run_id = run.run_id
where
    run.as_of < :before and run.as_of >= :as_of::date - :nights::integer
    and measure.source_sha256 = :source_sha256
    and measure.counts - 'changed_at' = :counts::jsonb - 'changed_at'
    and exists (select from segmentation.published_runs as published where published.run_id = run.run_id);

-- name: delete
-- Removes the figures of a run.
-- Parameters: run_id.
delete from segmentation.night_checks where run_id = :run_id;

-- name: findings
-- Returns the findings on a run, the grave ones first, and of those what may have led to others.
-- Parameters: run_id.
select model, check_name, subject, finding, description, advice
from segmentation.night_checks
where run_id = :run_id and finding is not null
order by
    finding, model nulls first,
    array_position(
        array[
            'repeated', 'rows', 'gone', 'new', 'rejected', 'missing', 'distribution', 'precision', 'range', 'groups',
            'moved'
        ],
        check_name
    ),
    value desc, check_name, subject;

-- name: held
-- Returns the runs that are held, the newest first.
select run_id, as_of, held_at from segmentation.scoring_runs where status = 'held' order by run_id desc;

-- name: insert
-- Adds a figure.
-- Parameters: run_id, model, check_name, subject, value, expected, lower_limit, upper_limit, finding, description,
-- advice.
insert into segmentation.night_checks (
    run_id, model, check_name, subject, value, expected, lower_limit, upper_limit, finding, description, advice
) values (
    :run_id, :model, :check_name, :subject, :value, :expected, :lower_limit, :upper_limit, :finding, :description,
    :advice
);

-- name: keep_measures
-- Keeps what a run's source looked like, and the drift checks to be published with it.
-- Parameters: run_id, source_sha256, compared_run_id, compared_as_of, counts, drift.
insert into segmentation.run_measures (run_id, source_sha256, compared_run_id, compared_as_of, counts, drift)
values (:run_id, :source_sha256, :compared_run_id, :compared_as_of, :counts, :drift)
on conflict (run_id) do update
set
    source_sha256 = excluded.source_sha256, compared_run_id = excluded.compared_run_id,
    compared_as_of = excluded.compared_as_of, counts = excluded.counts, drift = excluded.drift;

-- name: moved
-- Returns by model how many customers a published run has moved, brought in and lost since the date before.
-- Parameters: run_id.
select
    moves.model, moves.previous_as_of,
    coalesce(sum(moves.customers) filter (where moves.from_segment_id <> moves.to_segment_id), 0)::bigint as moved,
    coalesce(sum(moves.customers) filter (where moves.from_segment_id is null), 0)::bigint as joined,
    coalesce(sum(moves.customers) filter (where moves.to_segment_id is null), 0)::bigint as gone
from segmentation.published_runs as published
join segmentation.segment_migrations as moves on moves.model = published.model and moves.as_of = published.as_of
where published.run_id = :run_id
group by moves.model, moves.previous_as_of
order by moves.model;

-- name: past
-- Returns the figures of the nights that were published before a date and read by the same contract, those of the
-- latest run of each date, with the days since the night that it was compared with. None of the present rows for a past
-- date, and none that was compared with a run that holds no longer.
-- Parameters: as_of, nights (how many days back), source_sha256.
select distinct on (run.as_of, figure.model, figure.check_name, figure.subject)
    figure.model, figure.check_name, figure.subject, figure.value, run.as_of, run.as_of - measure.compared_as_of as days
from segmentation.scoring_runs as run
join segmentation.run_measures as measure on measure.run_id = run.run_id
join segmentation.night_checks as figure on figure.run_id = run.run_id
where
    run.as_of < :as_of and run.as_of >= :as_of::date - :nights::integer
    and measure.compared_as_of < run.as_of and measure.source_sha256 = :source_sha256
    and exists (select from segmentation.published_runs as published where published.run_id = run.run_id)
    and exists (select from segmentation.published_runs as published where published.run_id = measure.compared_run_id)
    and run.source_time <> 'substituted'
order by run.as_of, figure.model, figure.check_name, figure.subject, run.run_id desc;

-- name: run
-- Returns what has become of a run.
-- Parameters: run_id.
select as_of, status, note from segmentation.scoring_runs where run_id = :run_id;

-- name: runs
-- Returns the latest runs, the newest first; of one that is held, how many rows were counted when it was checked.
-- Parameters: at_most.
select
    run.run_id, run.as_of, run.status,
    coalesce(
        run.rows_read,
        (
            select (measures.counts ->> 'rows_read')::bigint from segmentation.run_measures as measures
            where measures.run_id = run.run_id
        )
    ) as rows_read,
    (
        select count(*) from segmentation.night_checks as figure
        where figure.run_id = run.run_id and figure.finding is not null
    ) as findings,
    run.note
from segmentation.scoring_runs as run
order by run.run_id desc
limit :at_most;

-- name: filled
-- Returns how many customers of a run lacked a value for which something stood, by column; null where nothing is known.
-- Parameters: run_id.
select measures.counts -> 'filled' from segmentation.run_measures as measures where measures.run_id = :run_id;

-- name: summary
-- Returns what has become of a run, its counts, and the models that hold by it.
-- Parameters: run_id.
select
    run.as_of, run.status, run.note, run.rows_read, run.rows_labelled, run.rows_rejected,
    array(
        select published.model from segmentation.published_runs as published
        where published.run_id = run.run_id
        order by published.model
    ) as models
from segmentation.scoring_runs as run
where run.run_id = :run_id;
