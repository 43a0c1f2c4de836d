-- name: bases
-- Returns the run of the preceding date for each version of a run that will be published, and whether both read the
-- customers of their dates as the same contract says.
-- Parameters: run_id.
select
    model.model_version_id, former.run_id as base_run_id, former.model_version_id as base_version_id,
    former.as_of as base_as_of,
    before.contract_sha256 = run.contract_sha256 and 'substituted' not in (before.source_time, run.source_time)
        as is_read_alike
from segmentation.run_models as model
join segmentation.scoring_runs as run on run.run_id = model.run_id
cross join lateral (
    select published.run_id, published.model_version_id, published.as_of
    from segmentation.published_runs as published
    where published.model = model.model and published.as_of < run.as_of
    order by published.as_of desc
    limit 1
) as former
join segmentation.scoring_runs as before on before.run_id = former.run_id
where model.run_id = :run_id and not run.dry_run;

-- name: begin_periods
-- Begins the periods of the customers who changed.
-- Names: changes.
-- Parameters: model, as_of, model_version_id.
insert into segmentation.segment_history (customer_id, model, segment_id, valid_from, model_version_id)
select customer_id, :model, to_segment, :as_of, :model_version_id
from {changes}
where to_segment is not null;

-- name: compare
-- Stages the customers of a range whose segment is not what it was, null standing for no label. The preceding date's
-- version is taken to say of this date what the labels say, until it is known better.
-- Names: changes, base, table, key_type.
-- Parameters: lower, upper.
create table {changes} as
select customer_id, former.segment_id as from_segment, latter.segment_id as to_segment, false as by_model,
    false as by_time, latter.segment_id as asked_segment
from (
    select customer_id, segment_id
    from {base}
    where
        (:lower::{key_type} is null or customer_id >= :lower::{key_type})
        and (:upper::{key_type} is null or customer_id < :upper::{key_type})
) as former
full join {table} as latter using (customer_id)
where former.segment_id is distinct from latter.segment_id;

-- name: create_aged
-- Makes the table of where customers would be, had time passed and nothing else happened.
-- Names: table, key_type.
create table {table} (customer_id {key_type} not null, segment_id integer not null);

-- name: create_former
-- Makes the table of the customers whom the preceding date's version would put into another segment.
-- Names: table, key_type.
create table {table} (customer_id {key_type} not null, segment_id integer not null);

-- name: create_partition
-- Makes the table of a model's history, with room in its pages to end periods where they are.
-- Names: table, model.
create table {table} (like segmentation.segment_history including constraints, check (model = {model}))
with (fillfactor = 90);

-- name: cut_begun
-- Removes a model's periods that begin on a date or later.
-- Parameters: model, as_of.
delete from segmentation.segment_history where model = :model and valid_from >= :as_of;

-- name: cut_open
-- Ends a model's periods on a date that go on to a later one.
-- Parameters: model, as_of.
update segmentation.segment_history
set valid_to = :as_of
where model = :model and (valid_to is null or valid_to > :as_of);

-- name: delete_movement
-- Removes a model's movement to a date.
-- Parameters: model, as_of.
delete from segmentation.segment_migrations where model = :model and as_of = :as_of;

-- name: differences
-- Makes a table of the customers of whom the history says otherwise than a run's labels.
-- Names: table, labels.
-- Parameters: model, as_of.
create table {table} as
select customer_id, period.segment_id as from_segment, label.segment_id as to_segment, false as by_model
from (
    select customer_id, segment_id
    from segmentation.segment_history
    where model = :model and valid_from <= :as_of and (valid_to is null or valid_to > :as_of)
) as period
full join {labels} as label using (customer_id)
where period.segment_id is distinct from label.segment_id;

-- name: end_model
-- Ends the open periods of a model.
-- Parameters: model, day.
update segmentation.segment_history
set valid_to = :day
where model = :model and valid_to is null;

-- name: end_periods
-- Ends the periods of the customers who changed.
-- Names: changes.
-- Parameters: model, as_of.
update segmentation.segment_history as period
set valid_to = :as_of
from {changes} as change
where
    period.model = :model and period.customer_id = change.customer_id and period.valid_to is null
    and period.segment_id = change.from_segment;

-- name: has_table
-- Returns whether there is a table of this name, with its schema.
-- Parameters: table.
select to_regclass(:table) is not null;

-- name: held_before
-- Makes a table of the customers who were in another segment just before a day than on it.
-- Names: table.
-- Parameters: model, day.
create table {table} as
select customer_id, latter.segment_id as from_segment, former.segment_id as to_segment
from (
    select customer_id, segment_id
    from segmentation.segment_history
    where model = :model and valid_from < :day and (valid_to is null or valid_to >= :day)
) as former
full join (
    select customer_id, segment_id
    from segmentation.segment_history
    where model = :model and valid_from <= :day and (valid_to is null or valid_to > :day)
) as latter using (customer_id)
where former.segment_id is distinct from latter.segment_id;

-- name: held_on
-- Makes a table of the customers who are in a segment on a day, as if they should be in none.
-- Names: table.
-- Parameters: model, day.
create table {table} as
select customer_id, segment_id as from_segment, null::integer as to_segment
from segmentation.segment_history
where model = :model and valid_from <= :day and (valid_to is null or valid_to > :day);

-- name: hold
-- Keeps a table from being dropped until the transaction ends.
-- Names: base.
lock table {base} in access share mode;

-- name: index
-- Makes the periods of one customer quick to find, and proves that no two begin on one date.
-- Names: table.
create unique index on {table} (customer_id, valid_from);

-- name: insert_movement
-- Adds the customers who moved between two segments, or stayed in one.
-- Parameters: as_of, previous_as_of, model, from_segment_id, to_segment_id, customers, by_behaviour, by_model,
-- by_source, by_time (null where it is not told apart).
insert into segmentation.segment_migrations (
    as_of, previous_as_of, model, from_segment_id, to_segment_id, customers, by_behaviour, by_model, by_source, by_time
) values (
    :as_of, :previous_as_of, :model, :from_segment_id, :to_segment_id, :customers, :by_behaviour,
    :by_model, :by_source, :by_time
);

-- name: later_rows
-- Returns the first date after a date for which a model is published with labels that are rows.
-- Parameters: model, as_of.
select min(published.as_of)
from segmentation.published_runs as published
join segmentation.run_models as made on made.run_id = published.run_id and made.model = published.model
where published.model = :model and published.as_of > :as_of and made.label_folder is null;

-- name: load
-- Begins a period for every customer of a run.
-- Names: table, labels.
-- Parameters: model, as_of.
insert into {table} (customer_id, model, segment_id, valid_from, model_version_id)
select customer_id, :model, segment_id, :as_of, model_version_id from {labels};

-- name: mark_by_model
-- Notes where the preceding date's version puts those whom it puts elsewhere, and marks the changes of those whom it
-- would have left where they were.
-- Names: changes, former.
update {changes} as change
set asked_segment = former.segment_id, by_model = former.segment_id is not distinct from change.from_segment
from {former} as former
where former.customer_id = change.customer_id;

-- name: mark_by_time
-- Marks the changes of those whom the preceding date's version puts into another segment than before, and into the same
-- one had only time passed. Who stands there with two segments is not marked.
-- Names: changes, aged.
update {changes} as change
set by_time = true
from (
    select customer_id, min(segment_id) as segment_id
    from {aged}
    group by customer_id
    having min(segment_id) = max(segment_id)
) as aged
where
    aged.customer_id = change.customer_id and aged.segment_id = change.asked_segment
    and aged.segment_id <> change.from_segment;

-- name: movement
-- Returns a model's movement to a date.
-- Parameters: model, as_of.
select from_segment_id, to_segment_id, customers, by_model, by_time
from segmentation.segment_migrations
where model = :model and as_of = :as_of;

-- name: movers
-- Returns the keys, as text, of customers who moved between segments otherwise than by the change of version.
-- Names: changes.
-- Parameters: most (at most so many).
select customer_id::text as key
from {changes}
where from_segment is not null and to_segment is not null and not by_model
order by customer_id
limit :most;

-- name: moves
-- Counts the customers whose segment changed on a date, by former and present segment.
-- Parameters: model, as_of.
select former.segment_id as from_segment, latter.segment_id as to_segment, count(*) as customers
from (
    select customer_id, segment_id from segmentation.segment_history where model = :model and valid_to = :as_of
) as former
full join (
    select customer_id, segment_id from segmentation.segment_history where model = :model and valid_from = :as_of
) as latter using (customer_id)
where former.segment_id is distinct from latter.segment_id
group by former.segment_id, latter.segment_id;

-- name: neighbours
-- Returns what is published of a model on the date itself, the one before and the one after, in order, whether its
-- labels are still kept, and the date from which retention counts back to remove periods of all models.
-- Parameters: model, as_of.
select
    published.as_of, published.run_id, published.model_version_id,
    to_regclass(format('segmentation_partitions.labels_%s_%s', published.run_id, published.model_version_id))
        is not null
        or exists (select from segmentation.label_files as file where file.label_set = made.label_set) as kept,
    least((select max(as_of) from segmentation.published_runs), current_date) as latest,
    made.label_folder is not null as is_filed
from segmentation.published_runs as published
join segmentation.run_models as made on made.run_id = published.run_id and made.model = published.model
where
    published.model = :model
    and published.as_of in (
        :as_of,
        (select max(as_of) from segmentation.published_runs where model = :model and as_of < :as_of),
        (select min(as_of) from segmentation.published_runs where model = :model and as_of > :as_of)
    )
order by published.as_of;

-- name: pause
-- Returns the first date after a date on which a model was retired, if it did not come back on that same date.
-- Parameters: model, as_of.
select min(retired_on)
from segmentation.model_retirements
where model = :model and retired_on > :as_of and (returned_on is null or returned_on > retired_on);

-- name: preceding_dates
-- Returns the dates that precede a date for some models, where they were read as this contract says.
-- Parameters: models, as_of, contract_sha256.
select distinct former.as_of
from unnest(:models::text[]) as asked (model)
cross join lateral (
    select published.as_of, published.run_id
    from segmentation.published_runs as published
    where published.model = asked.model and published.as_of < :as_of
    order by published.as_of desc
    limit 1
) as former
join segmentation.scoring_runs as before on before.run_id = former.run_id
where before.contract_sha256 = :contract_sha256 and before.source_time <> 'substituted'
order by former.as_of;

-- name: ranges_hold
-- Returns whether a shard's labels lie in its range in the order of our own keys, which the source may order otherwise.
-- Names: table, key_type.
-- Parameters: lower, upper.
select
    coalesce(:lower::{key_type} < :upper::{key_type}, true)
    and not exists (select from {table} where customer_id < :lower::{key_type})
    and not exists (select from {table} where customer_id >= :upper::{key_type});

-- name: reaches
-- Returns whether the history of a model knows anybody on a date.
-- Parameters: model, as_of.
select exists (
    select
    from segmentation.segment_history
    where model = :model and valid_from <= :as_of and (valid_to is null or valid_to > :as_of)
);

-- name: reopen_model
-- Opens the periods of a model that ended when it was retired.
-- Parameters: model, day.
update segmentation.segment_history
set valid_to = null
where model = :model and valid_to = :day;

-- name: replaced
-- Returns the run that each version of a run is to take the place of, where it has labelled that one too, and no date
-- precedes.
-- Parameters: run_id.
select model.model_version_id, published.run_id as base_run_id
from segmentation.run_models as model
join segmentation.scoring_runs as run on run.run_id = model.run_id
join segmentation.published_runs as published
    on published.model = model.model and published.as_of = run.as_of
    and published.model_version_id = model.model_version_id
where
    model.run_id = :run_id and not run.dry_run
    and not exists (
        select from segmentation.published_runs as before where before.model = model.model and before.as_of < run.as_of
    );

-- name: repair
-- Writes the periods around a date anew for the customers of whom the history said otherwise. Their periods are those
-- that touch the time from the date before to the date after, if there is one: what led to the date (before), what the
-- labels say, and what follows (after).
-- Names: differences.
-- Parameters: model, as_of, model_version_id, next_date (null where no date follows), next_version_id (null where no
-- date follows).
with gone as (
    delete from segmentation.segment_history as period
    using {differences} as difference
    where
        period.model = :model and period.customer_id = difference.customer_id
        and period.valid_from <= coalesce(:next_date::date, :as_of)
        and (period.valid_to is null or period.valid_to >= :as_of)
    returning
        period.customer_id, period.segment_id, period.valid_from, period.valid_to, period.model_version_id,
        period.valid_from < :as_of as is_before,
        period.valid_to is null or period.valid_to > :next_date::date as is_after
),
around as (
    select
        difference.customer_id,
        difference.to_segment as segment_id,
        max(gone.segment_id) filter (where gone.is_before) as before_id,
        max(gone.valid_from) filter (where gone.is_before) as before_from,
        max(gone.model_version_id) filter (where gone.is_before) as before_version,
        case
            when :next_date::date is null then difference.to_segment
            else max(gone.segment_id) filter (where gone.is_after)
        end as after_id,
        case when :next_date::date is not null then max(gone.valid_to) filter (where gone.is_after) end as after_to
    from {differences} as difference
    left join gone on gone.customer_id = difference.customer_id
    group by difference.customer_id, difference.to_segment
)
insert into segmentation.segment_history (customer_id, model, segment_id, valid_from, valid_to, model_version_id)
select around.customer_id, :model, piece.segment_id, piece.valid_from, piece.valid_to, piece.model_version_id
from around
cross join lateral (
    values
        (
            before_id is distinct from segment_id,
            before_id, before_from, :as_of::date, before_version
        ),
        (
            true,
            segment_id,
            case when before_id = segment_id then before_from else :as_of::date end,
            case when after_id = segment_id then after_to else :next_date::date end,
            case when before_id = segment_id then before_version else :model_version_id::bigint end
        ),
        (
            after_id is distinct from segment_id,
            after_id, :next_date::date, after_to, :next_version_id::bigint
        )
) as piece (is_one, segment_id, valid_from, valid_to, model_version_id)
where piece.is_one and piece.segment_id is not null;

-- name: set_version
-- Corrects the version of the periods that begin on a date.
-- Parameters: model, as_of, model_version_id.
update segmentation.segment_history
set model_version_id = :model_version_id
where model = :model and valid_from = :as_of and model_version_id <> :model_version_id;

-- name: settings
-- Makes the comparison read two indexes side by side: it takes a third of the time of hashing, and no memory.
select set_config('enable_hashjoin', 'off', true), set_config('jit', 'off', true);

-- name: sizes
-- Returns the customers of each segment of a model on a date.
-- Parameters: model, as_of.
select segment_id, customers from segmentation.segments where model = :model and as_of = :as_of;

-- name: staged_moves
-- Counts what a shard has staged, by former and present segment.
-- Names: changes.
select
    from_segment, to_segment, count(*) as customers, count(*) filter (where by_model) as by_model,
    count(*) filter (where by_time) as by_time
from {changes}
group by from_segment, to_segment;

-- name: steps
-- Counts a sample of a shard's customers, in parts in the order of their keys: who was there in a former run, and of
-- them who has changed and who has come far, by the difference of two confidences in one segment, else their sum; and
-- who was not there.
-- Names: table, base, portion.
-- Parameters: parts (how many), unchanged, far (the steps that are exceeded).
select
    count(step) as customers, count(*) filter (where step > :unchanged) as changed,
    count(*) filter (where step > :far) as far, count(*) filter (where step is null) as new
from (
    select
        ntile(:parts) over (order by customer_id) as part,
        case
            when former.segment_id = latter.segment_id then abs(latter.confidence - former.confidence)
            else latter.confidence + former.confidence
        end as step
    from (select * from {table} {portion}) as latter
    left join {base} as former using (customer_id)
) as sampled
group by part
order by part;
