-- Returns a run's manifest. Parameters: run_id.
select shard, attempt, rows_read, rows_labelled, rows_rejected, reasons, profiles, compositions, compared, finished_at
from segmentation.run_shards
where run_id = %(run_id)s
order by shard
