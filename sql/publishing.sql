-- name: attach
-- Makes a table a partition of another; its checks and columns are ready, so nothing is scanned.
-- Names: parent, table, value.
alter table {parent} attach partition {table} for values in ({value});

-- name: create_label_set
-- Makes the table of a label set, to be filled with its shards' tables.
-- Names: table.
create table {table} (like segmentation.customer_labels) partition by list (shard);

-- name: create_model_table
-- Makes the table of a model's labels, to be filled with its label sets' tables.
-- Names: table.
create table {table} (like segmentation.customer_labels) partition by list (label_set);

-- name: date_of_run
-- Returns a run's date.
-- Parameters: run_id.
select as_of from segmentation.scoring_runs where run_id = :run_id;

-- name: delete_groups
-- Removes the groups that were published before for a run's date and models.
-- Parameters: run_id, as_of.
delete from segmentation.segment_groups as held
using segmentation.run_models as model
where model.run_id = :run_id and held.as_of = :as_of and held.model = model.model;

-- name: delete_overall_averages
-- Removes the averages of all customers that were published before for a run's date and models.
-- Parameters: run_id, as_of.
delete from segmentation.overall_averages as held
using segmentation.run_models as model
where model.run_id = :run_id and held.as_of = :as_of and held.model = model.model;

-- name: delete_profiles
-- Removes the profiles that were published before for a run's date and models.
-- Parameters: run_id, as_of.
delete from segmentation.segment_profiles as profile
using segmentation.run_models as model
where model.run_id = :run_id and profile.as_of = :as_of and profile.model = model.model;

-- name: delete_segments
-- Removes what was published before for a run's date and models.
-- Parameters: run_id, as_of.
delete from segmentation.segments as segment
using segmentation.run_models as model
where model.run_id = :run_id and segment.as_of = :as_of and segment.model = model.model;

-- name: finish_run
-- Writes the result of a run.
-- Parameters: run_id, status, rows_read, rows_labelled, rows_rejected.
update segmentation.scoring_runs
set
    status = :status, rows_read = :rows_read, rows_labelled = :rows_labelled,
    rows_rejected = :rows_rejected, finished_at = now()
where run_id = :run_id;

-- name: insert_group
-- Adds a protected group or a category in a segment.
-- Parameters: as_of, model, segment_id, column_name, group_name, customers, group_customers, run_id, is_feature.
insert into segmentation.segment_groups (
    as_of, model, segment_id, column_name, group_name, customers, group_customers, run_id, is_feature
) values (
    :as_of, :model, :segment_id, :column_name, :group_name, :customers, :group_customers, :run_id, :is_feature
);

-- name: hide_extremes
-- Removes from the profiles of a date's other models the extremes of some columns, and says why.
-- Parameters: as_of, models (an array of names: all but these), columns (an array of names), reason.
update segmentation.segment_profiles
set minimum = null, maximum = null, extremes_empty_because = :reason
where
    as_of = :as_of and model <> all(:models::text[]) and column_name = any(:columns::text[])
    and extremes_empty_because is null;

-- name: insert_label_names
-- Keeps what the segments of a run's label sets are called.
-- Parameters: run_id.
insert into segmentation.label_names (label_set, segment_id, segment_name, recommended_action)
select made.label_set, segment.segment_id, segment.segment_name, segment.recommended_action
from segmentation.segments as segment
join segmentation.run_models as made on made.run_id = segment.run_id and made.model = segment.model
where segment.run_id = :run_id;

-- name: insert_overall_average
-- Adds the average of all customers that a model labelled.
-- Parameters: as_of, model, column_name, customers, mean, mean_empty_because, run_id.
insert into segmentation.overall_averages (as_of, model, column_name, customers, mean, mean_empty_because, run_id)
values (:as_of, :model, :column_name, :customers, :mean, :mean_empty_because, :run_id);

-- name: insert_profile
-- Adds the profile of a segment's column.
-- Parameters: as_of, model, segment_id, column_name, customers, mean, minimum, q1, median, q3, maximum, run_id,
-- mean_empty_because, quartiles_empty_because, extremes_empty_because.
insert into segmentation.segment_profiles (
    as_of, model, segment_id, column_name, customers, mean, minimum, q1, median, q3, maximum, run_id,
    mean_empty_because, quartiles_empty_because, extremes_empty_because
) values (
    :as_of, :model, :segment_id, :column_name, :customers, :mean, :minimum, :q1, :median, :q3, :maximum, :run_id,
    :mean_empty_because, :quartiles_empty_because, :extremes_empty_because
);

-- name: insert_segment
-- Adds a segment.
-- Names: average_columns (each after a comma), average_values (the placeholders of their values, each after a comma).
-- Parameters: as_of, model, segment_id, segment_name, description, recommended_action, customers, share, rule,
-- rule_sql, rule_coverage, rule_precision, rule_fidelity, stability, stability_band, structure, averages_empty_because,
-- run_id, model_version_id.
insert into segmentation.segments (
    as_of, model, segment_id, segment_name, description, recommended_action, customers, share,
    rule, rule_sql, rule_coverage, rule_precision, rule_fidelity, stability, stability_band, structure,
    averages_empty_because, run_id, model_version_id{average_columns}
) values (
    :as_of, :model, :segment_id, :segment_name, :description, :recommended_action, :customers,
    :share, :rule, :rule_sql, :rule_coverage, :rule_precision, :rule_fidelity, :stability,
    :stability_band, :structure, :averages_empty_because, :run_id, :model_version_id{average_values}
);

-- name: leave_staging
-- Moves a staging table to the published ones.
-- Names: table.
alter table {table} set schema segmentation_partitions;

-- name: lock_date
-- Waits until nobody else plans or publishes for this date.
-- Parameters: as_of.
select pg_advisory_xact_lock(hashtext('segmentation.published_runs'), :as_of::date - date '2000-01-01');

-- name: locked_run
-- Returns a run, which nobody else can end or claim a shard of until the transaction ends.
-- Parameters: run_id.
select
    run_id, as_of, status, dry_run, note, contract_sha256, source_time, checked_at, rows_read, rows_labelled,
    rows_rejected
from segmentation.scoring_runs
where run_id = :run_id
for update;

-- name: mark_replaced
-- Marks the runs of a date that no longer hold for any model.
-- Parameters: run_id, as_of.
update segmentation.scoring_runs as run
set status = 'replaced'
where
    run.as_of = :as_of and run.status = 'published' and run.run_id <> :run_id
    and not exists (select from segmentation.published_runs as published where published.run_id = run.run_id);

-- name: runs_beside
-- Returns the runs that hold for a date by other models, with these models.
-- Parameters: as_of, models (an array of names: all but these).
select run_id, array_agg(model order by model) as models
from segmentation.published_runs
where as_of = :as_of and model <> all(:models::text[])
group by run_id
order by run_id;

-- name: samples
-- Returns what a shard has sampled for the quartiles.
-- Parameters: run_id, shard.
select samples from segmentation.run_shards where run_id = :run_id and shard = :shard;

-- name: shards
-- Returns a run's manifest.
-- Parameters: run_id.
select
    shard, attempt, rows_read, rows_labelled, rows_rejected, reasons, profiles, compositions, compared, measures,
    columns, changed_at, finished_at
from segmentation.run_shards
where run_id = :run_id
order by shard;

-- name: keep_rejected
-- Copies the first rejected rows of a shard of a run that is refused.
-- Names: table.
-- Parameters: run_id, most.
insert into segmentation.rejected_customers (run_id, customer_id, reason, column_name, value)
select :run_id, customer_id, reason, column_name, value
from {table}
order by customer_id, reason, column_name, value
limit :most;

-- name: take_rejected
-- Copies a shard's rejected rows.
-- Names: table.
-- Parameters: run_id.
insert into segmentation.rejected_customers (run_id, customer_id, reason, column_name, value)
select :run_id, customer_id, reason, column_name, value from {table};
