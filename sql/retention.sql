-- name: delete_history
-- Removes the periods that ended so long before the latest date; one in the future counts as today, lest a mistyped
-- date removes everything.
-- Parameters: days.
delete from segmentation.segment_history
where valid_to <= least((select max(as_of) from segmentation.published_runs), current_date) - :days::integer;

-- name: delete_figures
-- Removes what the check has kept of runs whose dates lie so long before the latest one: their figures, and what their
-- sources looked like.
-- Parameters: days.
with old as (
    select run.run_id
    from segmentation.scoring_runs as run
    where
        run.as_of < (select max(as_of) from segmentation.published_runs) - :days::integer
        and not exists (select from segmentation.current_models as current where current.run_id = run.run_id)
),
figures as (
    delete from segmentation.night_checks as figure using old where figure.run_id = old.run_id
)
delete from segmentation.run_measures as measure using old where measure.run_id = old.run_id;

-- name: delete_label_names
-- Removes what the labels of a run were called.
-- Parameters: run_id.
delete from segmentation.label_names as named
using segmentation.run_models as made
where made.run_id = :run_id and named.label_set = made.label_set;

-- name: delete_rejected
-- Removes a run's rejected rows.
-- Parameters: run_id.
delete from segmentation.rejected_customers where run_id = :run_id;

-- name: delete_refused
-- Removes the rejected rows of refused runs, but for those of the latest ones.
-- Parameters: keep (a number of runs).
with refused as (
    select run.run_id, row_number() over (order by run.run_id desc) as place
    from segmentation.scoring_runs as run
    where
        run.status = 'abandoned'
        and exists (select from segmentation.rejected_customers as rejected where rejected.run_id = run.run_id)
)
delete from segmentation.rejected_customers as rejected
using refused
where rejected.run_id = refused.run_id and refused.place > :keep;

-- name: detach
-- Takes a label set out of its model's without blocking readers.
-- Names: parent, table.
alter table {parent} detach partition {table} concurrently;

-- name: drop_copy
-- Drops a copy of the source, unless somebody is being forgotten, who may be listed to be deleted there.
-- Names: table.
do $do$
begin
    lock table only segmentation.scoring_runs in share update exclusive mode;
    drop table {table};
end
$do$;

-- name: drop_labels
-- Drops a label set that has been taken out of its model's, unless somebody is being forgotten in it: who listed the
-- tables under the lock of the model's finds them all until the end.
-- Names: parent, table.
do $do$
begin
    lock table only {parent} in share update exclusive mode;
    drop table {table};
end
$do$;

-- name: expired_runs
-- Returns the runs whose labels are there but no longer kept: first the one whose detaching was interrupted, since no
-- other of the model can be detached before it, then the oldest.
-- Parameters: keep (a number of runs).
with kept as (
    select run_id from (
        select distinct run.run_id, run.as_of
        from segmentation.scoring_runs as run
        where run.status = 'published'
        order by run.as_of desc, run.run_id desc
        limit :keep
    ) as newest
    union
    select run_id from segmentation.current_models
)
select run.run_id
from segmentation.scoring_runs as run
where
    run.status in ('published', 'replaced', 'withdrawn') and run.labels_dropped_at is null
    and (run.labels_expired_at is not null or run.run_id not in (select run_id from kept))
order by
    exists (
        select
        from pg_inherits as inherits
        join pg_class as class on class.oid = inherits.inhrelid
        join segmentation.run_models as made
            on class.relname = format('labels_%s_%s', made.run_id, made.model_version_id)
        where
            class.relnamespace = 'segmentation_partitions'::regnamespace and inherits.inhdetachpending
            and made.run_id = run.run_id
    ) desc,
    run.run_id;

-- name: expire
-- Notes that a run's labels will be dropped, unless it has become current again since it was found; returns the run.
-- Parameters: run_id.
update segmentation.scoring_runs
set labels_expired_at = coalesce(labels_expired_at, now())
where run_id = :run_id and run_id not in (select current.run_id from segmentation.current_models as current)
returning run_id;

-- name: finalize_detach
-- Goes on with a detaching that was interrupted.
-- Names: parent, table.
alter table {parent} detach partition {table} finalize;

-- name: lock_run
-- Keeps a run from becoming current again until the transaction ends; returns it unless somebody else holds it.
-- Parameters: run_id.
select run_id from segmentation.scoring_runs where run_id = :run_id for update skip locked;

-- name: mark_dropped
-- Notes that a run's labels are gone.
-- Parameters: run_id.
update segmentation.scoring_runs set labels_dropped_at = now() where run_id = :run_id;

-- name: old_copies
-- Returns the copies of the source that no run reads any more, but for that of the latest published date which has one;
-- one of customers as they were known on a former date has that date in its name.
-- Parameters: keep (whether that one stays).
with copy as (
    select
        class.relname as name, split_part(class.relname, '_', 2)::bigint as run_id,
        class.relname ~ '^source_[0-9]+$' as is_present
    from pg_class as class
    join pg_namespace as namespace on namespace.oid = class.relnamespace
    where
        namespace.nspname = 'segmentation_staging' and class.relkind = 'r'
        and class.relname ~ '^source_[0-9]+(_[0-9]+)?$'
),
latest as (
    select copy.run_id
    from copy
    join segmentation.published_runs as published on published.run_id = copy.run_id
    where :keep and copy.is_present
    order by published.as_of desc, published.run_id desc
    limit 1
)
select copy.name
from copy
left join segmentation.scoring_runs as run on run.run_id = copy.run_id
where coalesce(run.status not in ('running', 'held'), true)
    and (not copy.is_present or copy.run_id not in (select run_id from latest))
order by copy.run_id, copy.name;

-- name: old_readers
-- Returns how many sessions may still follow a pointer that has moved: those with an older snapshot, and, where this
-- user may not see snapshots, those that have read the pointer in a transaction that is still open.
select count(*)
from pg_stat_activity as session
where
    session.datname = current_database()
    and session.pid <> pg_backend_pid()
    and coalesce(session.backend_type, 'client backend') = 'client backend'
    and case
        when session.state is not null then
            age(session.backend_xmin) >= (
                select age(changed.xid::xid)
                from (
                    select published_xid as xid from segmentation.published_runs
                    union all
                    select retired_xid from segmentation.model_retirements
                    union all
                    select withdrawn_xid from segmentation.scoring_runs where withdrawn_xid is not null
                ) as changed
                order by changed.xid desc
                limit 1
            )
        else exists (
            select
            from pg_locks as lock
            where lock.pid = session.pid and lock.relation = 'segmentation.published_runs'::regclass
        )
    end;

-- name: partition_state
-- Returns whether a label set's table is attached, pending (its detaching was interrupted), detached or gone.
-- Parameters: table.
select case
    when class.oid is null then 'gone'
    when inherits.inhrelid is null then 'detached'
    when inherits.inhdetachpending then 'pending'
    else 'attached'
end
from (select 'segmentation_partitions'::regnamespace::oid as namespace) as here
left join pg_class as class on class.relnamespace = here.namespace and class.relname = :table
left join pg_inherits as inherits on inherits.inhrelid = class.oid;

-- name: set_lock_timeout
-- Lets the session give up on a lock that is not free soon.
set lock_timeout = '5s';
