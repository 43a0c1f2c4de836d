-- name: append
-- Appends the customers of a table of changes, whom a run that becomes current puts into another segment than the one
-- that was.
-- Names: changes.
-- Parameters: model, as_of, run_id, former_run_id, known (whether by_model holds), corrects.
insert into segmentation.segment_changes (
    kind, model, customer_id, as_of, from_segment_id, from_segment_name, to_segment_id, to_segment_name, cause, run_id
)
select
    'change', :model, change.customer_id, :as_of, change.from_segment, former.segment_name as from_name,
    change.to_segment, latter.segment_name as to_name,
    case
        when :corrects then 'correction'
        when change.from_segment is null and exists (
            select
            from segmentation.segment_history as period
            where
                period.model = :model and period.customer_id = change.customer_id and period.valid_from < :as_of
        ) then 'source'
        when change.from_segment is null then 'joined'
        when change.to_segment is null and rejected.customer_id is not null then 'source'
        when change.to_segment is null then 'left'
        when not :known then 'unknown'
        when change.by_time then 'time'
        when change.by_model then 'model'
        else 'behaviour'
    end,
    :run_id
from {changes} as change
left join segmentation.run_models as before on before.run_id = :former_run_id and before.model = :model
left join segmentation.label_names as former
    on former.label_set = before.label_set and former.segment_id = change.from_segment
left join segmentation.run_models as since on since.run_id = :run_id and since.model = :model
left join segmentation.label_names as latter
    on latter.label_set = since.label_set and latter.segment_id = change.to_segment
left join (
    select distinct refused.customer_id from segmentation.rejected_customers as refused where refused.run_id = :run_id
) as rejected on change.to_segment is null and rejected.customer_id = change.customer_id::text;

-- name: append_expired
-- Appends that rows were removed: whoever meets it reads all members anew.
insert into segmentation.segment_changes (kind) values ('expired');

-- name: append_forgotten
-- Appends that a customer was forgotten.
-- Parameters: customer_id.
insert into segmentation.segment_changes (kind, customer_id) values ('forgotten', :customer_id);

-- name: append_model
-- Appends that a model has labels where it had none, or has none any more.
-- Parameters: kind (start, end), model, as_of, run_id (null where none holds).
insert into segmentation.segment_changes (kind, model, as_of, run_id) values (:kind, :model, :as_of, :run_id);

-- name: between
-- Makes a table of the customers who are in another segment by one table of labels than by another.
-- Names: table, former, latter.
create table {table} as
select customer_id, former.segment_id as from_segment, latter.segment_id as to_segment, false as by_model,
    false as by_time
from (select customer_id, segment_id from {former}) as former
full join (select customer_id, segment_id from {latter}) as latter using (customer_id)
where former.segment_id is distinct from latter.segment_id;

-- name: delete_forgotten
-- Removes what tells that a customer was forgotten.
-- Parameters: customer_id.
delete from segmentation.segment_changes where kind = 'forgotten' and customer_id = :customer_id;

-- name: complete
-- Adds to a table of changes what another release has not told apart.
-- Names: changes.
alter table {changes} add column if not exists by_time boolean not null default false;

-- name: count
-- Returns how many customers a table of changes has.
-- Names: changes.
select count(*) from {changes};

-- name: customers
-- Returns how many customers a model has on the larger one of two dates, 0 where that is not known.
-- Parameters: model, as_of, former_as_of.
select coalesce(max(day.customers), 0)
from (
    select sum(segment.customers) as customers
    from segmentation.segments as segment
    where segment.model = :model and segment.as_of in (:as_of, :former_as_of)
    group by segment.as_of
) as day;

-- name: delete_marks
-- Removes the keys of customers who were forgotten so many days ago, and the rows expired that a later one says too.
-- Parameters: tombstone_days.
delete from segmentation.segment_changes
where
    kind in ('forgotten', 'expired')
    and (kind = 'expired' or noted_at < now() - make_interval(days => :tombstone_days))
    and change_id < (select max(mark.change_id) from segmentation.segment_changes as mark where mark.kind = 'expired');

-- name: delete_old
-- Removes some of what was appended before the first row that is kept, and below a row that says so.
-- Parameters: first_kept, rows (at most so many).
delete from segmentation.segment_changes
where
    change_id in (
        select old.change_id
        from segmentation.segment_changes as old
        where
            old.change_id < :first_kept
            and old.change_id < (
                select max(mark.change_id) from segmentation.segment_changes as mark where mark.kind = 'expired'
            )
        order by old.change_id
        limit :rows
    );

-- name: first_kept
-- Returns the number of the first row that was appended less than so many days ago, or one above all.
-- Parameters: days.
select
    coalesce(
        (
            select min(young.change_id)
            from segmentation.segment_changes as young
            where young.noted_at >= now() - make_interval(days => :days)
        ),
        (select max(told.change_id) + 1 from segmentation.segment_changes as told)
    );

-- name: hold
-- Keeps everybody from appending and removing rows until the transaction ends.
lock table segmentation.segment_changes in share row exclusive mode;

-- name: lock
-- Waits until nobody else appends, and lets nobody until the transaction ends: numbers appear in the order in which
-- they were given.
select pg_advisory_xact_lock(hashtext('segmentation.segment_changes'), 0);

-- name: mark
-- Makes the last row of what is to be removed say so.
-- Parameters: first_kept, tombstone_days.
with removed as (
    select
        greatest(
            (
                select max(old.change_id)
                from segmentation.segment_changes as old
                where old.change_id < :first_kept
            ),
            (
                select max(told.change_id)
                from segmentation.segment_changes as told
                where told.kind = 'forgotten' and told.noted_at < now() - make_interval(days => :tombstone_days)
            )
        ) as last_id
)
update segmentation.segment_changes as change
set
    kind = 'expired', model = null, customer_id = null, as_of = null, from_segment_id = null, from_segment_name = null,
    to_segment_id = null, to_segment_name = null, cause = null, run_id = null
from removed
where change.change_id = removed.last_id and change.kind <> 'expired';
