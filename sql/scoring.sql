-- name: abandon_run
-- Ends a run that is still going on. A held one is ended by decision alone.
-- Parameters: run_id, note, statuses.
update segmentation.scoring_runs
set status = 'abandoned', note = :note, finished_at = now()
where run_id = :run_id and status = any(:statuses);

-- name: add_constants
-- Adds the columns that are the same in every row, checked so that attaching need not scan.
-- Names: table, run_id, model_version_id, shard, model, label_set, as_of.
alter table {table}
    add column run_id bigint not null default {run_id},
    add column model_version_id bigint not null default {model_version_id},
    add column shard smallint not null default {shard},
    add column model text not null default {model},
    add column label_set bigint not null default {label_set},
    add column as_of date not null default {as_of},
    add check (label_set = {label_set} and shard = {shard} and model = {model});

-- name: analyze
-- Gives the planner its statistics.
-- Names: table.
analyze {table};

-- name: claim_shard
-- Claims a shard for an attempt; returns it unless it is claimed or the run has ended.
-- Parameters: run_id, rows_read, rows_labelled, rows_rejected, reasons, profiles, compositions, measures, columns,
-- changed_at, samples, compared, attempt, shard.
with running as (
    select run_id from segmentation.scoring_runs where run_id = :run_id and status = 'running' for share
)
update segmentation.run_shards
set
    rows_read = :rows_read,
    rows_labelled = :rows_labelled,
    rows_rejected = :rows_rejected,
    reasons = :reasons,
    profiles = :profiles,
    compositions = :compositions,
    measures = :measures,
    columns = :columns,
    changed_at = :changed_at,
    samples = :samples,
    compared = :compared,
    attempt = :attempt,
    finished_at = now()
where run_id = :run_id and shard = :shard and finished_at is null and exists (select from running)
returning shard;

-- name: copy_labels
-- Takes labels from the client; frozen, so that nothing has to visit the rows again.
-- Names: table, columns.
copy {table} ({columns}) from stdin with (format "binary", freeze);

-- name: copy_rejected
-- Takes rejected rows from the client.
-- Names: table.
copy {table} from stdin with (format text);

-- name: create_labels
-- Makes the table of an attempt's labels by one version.
-- Names: table, key_type.
create table {table} (
    customer_id    {key_type} not null,
    cluster_label  integer not null,
    segment_id     integer not null,
    confidence     real not null
);

-- name: create_rejected
-- Makes the table of an attempt's rejected rows.
-- Names: table.
create table {table} (customer_id text, reason text not null, column_name text not null, value text);

-- name: drop_table
-- Drops a table.
-- Names: table.
drop table {table};

-- name: drop_unread
-- Drops a copy of the source, unless somebody reads it: a shard that is still being scored would wait for this
-- transaction to claim itself, and this one for the shard. Retention drops it then.
-- Names: table.
do $do$
begin
    lock table {table} in access exclusive mode nowait;
    drop table {table};
exception
    when lock_not_available then null;
end
$do$;

-- name: forget_customers
-- Drops what the manifest of a run that has ended holds of single customers: the samples, the values that were
-- rejected, the keys that cut the customers into shards, and those of several rows; and the bins of its columns, which
-- the check has added up.
-- Parameters: run_id.
update segmentation.run_shards
set
    samples = null, reasons = null, lower_bound = null, upper_bound = null, columns = null, repeated_keys = null
where run_id = :run_id and num_nonnulls(samples, reasons, lower_bound, upper_bound, columns, repeated_keys) > 0;

-- name: failures
-- Returns the models that a run had to leave out.
-- Parameters: run_id.
select model, reason from segmentation.run_failures where run_id = :run_id order by model;

-- name: hand_over
-- Gives a table to the role of all who score, where the user acts for that role; otherwise it stays its maker's.
-- Names: table.
do $do$
begin
    if exists (select from pg_roles where rolname = 'segmentation_writer' and pg_has_role(oid, 'usage')) then
        alter table {table} owner to segmentation_writer;
    end if;
exception
    -- A member who may not become the role, or a role that may not create here yet, which migrate has said.
    when insufficient_privilege then null;
end
$do$;

-- name: index_customers
-- Makes the labels of one customer quick to find, and proves that nobody is labelled twice. It holds the segment too,
-- so that the next date is compared with this one by reading the two indexes side by side.
-- Names: table.
create unique index on {table} (customer_id) include (segment_id);

-- name: index_segments
-- Makes the members of one segment quick to find; they lie side by side in each batch that was written. For large
-- tables alone: every index is one more lock of whoever reads.
-- Names: table.
create index on {table} using brin (segment_id) with (pages_per_range = 16);

-- name: insert_run
-- Adds a run and returns its id.
-- Parameters: as_of, dry_run, requested_by, source, source_time, source_oids, contract_sha256.
insert into segmentation.scoring_runs (
    as_of, dry_run, requested_by, source, source_time, source_oids, contract_sha256
)
values (:as_of, :dry_run, :requested_by, :source, :source_time, :source_oids, :contract_sha256)
returning run_id;

-- name: insert_run_model
-- Adds the version that a run scores a model with.
-- Parameters: run_id, model, model_version_id, label_folder (null: labels are rows).
insert into segmentation.run_models (run_id, model, model_version_id, label_folder)
values (:run_id, :model, :model_version_id, :label_folder);

-- name: insert_shard
-- Adds a shard to a run's manifest.
-- Names: key_type.
-- Parameters: run_id, shard, lower_bound, upper_bound, files, repeated_keys.
insert into segmentation.run_shards (run_id, shard, lower_bound, upper_bound, files, repeated_keys)
values (:run_id, :shard, :lower_bound::{key_type}, :upper_bound::{key_type}, :files, :repeated_keys);

-- name: job
-- Returns whether a run is being scored, and by what its job's folder differs from those of other warehouses, which may
-- have a run of the same number.
-- Parameters: run_id.
select
    status = 'running' as is_going_on,
    left(md5(format('%s %s', run_id, extract(epoch from started_at))), 8) as mark
from segmentation.scoring_runs
where run_id = :run_id;

-- name: label_sets
-- Returns the label sets of a run.
-- Parameters: run_id.
select made.label_set, made.run_id, made.model, made.model_version_id, run.as_of, made.label_folder as folder
from segmentation.run_models as made
join segmentation.scoring_runs as run on run.run_id = made.run_id
where made.run_id = :run_id
order by made.model;

-- name: leave_out
-- Takes a model out of a run that is going on, and keeps the reason.
-- Parameters: run_id, model, reason.
with running as (
    select run_id from segmentation.scoring_runs where run_id = :run_id and status = 'running' for share
),
gone as (
    delete from segmentation.run_models
    where run_id = :run_id and model = :model and exists (select from running)
    returning run_id, model, model_version_id
)
insert into segmentation.run_failures (run_id, model, model_version_id, reason)
select run_id, model, model_version_id, :reason from gone;

-- name: run_versions
-- Returns the versions that a run scores with.
-- Parameters: run_id.
select
    version.model_version_id, version.model, version.version, version.status, version.structure, version.metrics,
    version.clusters, version.artifact, version.artifact_sha256, version.artifact_pruned_at
from segmentation.run_models as model
join segmentation.model_versions as version on version.model_version_id = model.model_version_id
where model.run_id = :run_id
order by model.model;

-- name: shards
-- Returns how many shards a run has.
-- Parameters: run_id.
select count(*) from segmentation.run_shards where run_id = :run_id;

-- name: unfinished_shards
-- Returns the numbers of the shards of a run that have not been staged.
-- Parameters: run_id.
select shard from segmentation.run_shards where run_id = :run_id and finished_at is null order by shard;

-- name: settings
-- Fits the session to its work: shards index side by side already, and a sample of 9,000 rows shows every segment.
select
    set_config('max_parallel_maintenance_workers', '0', true),
    set_config('default_statistics_target', '30', true);

-- name: shard
-- Returns a shard of the manifest with its run's status and date, and whether it reads the source's past dates.
-- Parameters: run_id, shard.
select
    shard.lower_bound, shard.upper_bound, shard.files, shard.repeated_keys,
    shard.rows_read, shard.rows_labelled, shard.rows_rejected, shard.finished_at,
    run.status, run.note, run.contract_sha256, run.as_of, run.source_time = 'dated' as is_past,
    run.source_oids
from segmentation.run_shards as shard
join segmentation.scoring_runs as run on run.run_id = shard.run_id
where shard.run_id = :run_id and shard.shard = :shard;

-- name: staged_tables
-- Returns the names of staging tables.
-- Parameters: pattern (a regular expression).
select class.relname as name
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
where
    namespace.nspname = 'segmentation_staging' and class.relkind in ('r', 'p') and class.relname ~ :pattern
order by class.relname;

-- name: hold
-- Notes that a run has been checked, and whether it is held and why.
-- Parameters: run_id, status, note.
update segmentation.scoring_runs
set
    status = :status, note = :note, checked_at = now(),
    held_at = case when :status = 'held' then coalesce(held_at, now()) else held_at end
where run_id = :run_id;

-- name: outdated_runs
-- Returns the held runs that a published one leaves behind: of its date or before, and all of whose models have been
-- published for their date or a later one, which was not there yet when they were planned. One that somebody decides on
-- at this moment is left to them.
-- Parameters: run_id, as_of.
select run.run_id
from segmentation.scoring_runs as run
where
    run.status = 'held' and run.as_of <= :as_of and run.run_id <> :run_id
    and not exists (
        select
        from segmentation.run_models as made
        where
            made.run_id = run.run_id
            and not exists (
                select
                from segmentation.published_runs as published
                where published.model = made.model and published.as_of >= run.as_of and published.run_id > run.run_id
            )
    )
    and not exists (
        select
        from segmentation.run_models as made
        join segmentation.published_runs as published on published.model = made.model
        where made.run_id = run.run_id and published.as_of > run.as_of and published.run_id < run.run_id
    )
order by run.run_id
for update of run skip locked;

-- name: overdue_runs
-- Returns the runs that have been held for so long.
-- Parameters: hours.
select run_id
from segmentation.scoring_runs
where status = 'held' and held_at < now() - make_interval(hours => :hours)
order by run_id;

-- name: stale_runs
-- Returns the runs that neither began nor staged anything for so long.
-- Parameters: hours.
select run.run_id
from segmentation.scoring_runs as run
where
    run.status = 'running'
    and greatest(
        run.started_at,
        run.checked_at,
        (select max(shard.finished_at) from segmentation.run_shards as shard where shard.run_id = run.run_id)
    ) < now() - make_interval(hours => :hours)
order by run.run_id;

-- name: status
-- Returns the status of a run.
-- Parameters: run_id.
select status from segmentation.scoring_runs where run_id = :run_id;

-- name: superseded_runs
-- Returns the runs, held ones too, that a new run takes the place of.
-- Parameters: as_of, models, dry_run.
select run.run_id
from segmentation.scoring_runs as run
where
    run.status in ('running', 'held') and run.as_of = :as_of and not run.dry_run and not :dry_run
    and exists (
        select
        from segmentation.run_models as model
        where model.run_id = run.run_id and model.model = any(:models)
    )
order by run.run_id;
