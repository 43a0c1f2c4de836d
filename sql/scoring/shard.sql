-- Returns a shard of the manifest with its run's status and, if it reads the dated source, the date. Parameters: run_id, shard.
select
    shard.lower_bound, shard.upper_bound, shard.rows_read, shard.rows_labelled, shard.rows_rejected, shard.finished_at,
    run.status, run.note, case when run.source_time = 'dated' then run.as_of end as dated
from segmentation.run_shards as shard
join segmentation.scoring_runs as run on run.run_id = shard.run_id
where shard.run_id = %(run_id)s and shard.shard = %(shard)s
