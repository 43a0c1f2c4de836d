-- Returns the runs whose labels are there but no longer kept: first the one whose detaching was interrupted, since no other
-- can be detached before it, then the oldest. Parameters: keep, a number of runs.
with kept as (
    select run_id from (
        select distinct run.run_id, run.as_of
        from segmentation.scoring_runs as run
        where run.status = 'published'
        order by run.as_of desc, run.run_id desc
        limit %(keep)s
    ) as newest
    union
    select run_id from segmentation.current_models
)
select run.run_id
from segmentation.scoring_runs as run
where
    run.status in ('published', 'replaced') and run.labels_dropped_at is null
    and run.run_id not in (select run_id from kept)
order by
    exists (
        select
        from pg_inherits as inherits
        join pg_class as class on class.oid = inherits.inhrelid
        where
            inherits.inhparent = 'segmentation.customer_labels'::regclass and inherits.inhdetachpending
            and class.relname = 'labels_' || run.run_id
    ) desc,
    run.run_id
