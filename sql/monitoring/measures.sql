-- Returns what a run's shards have counted. Parameters: run_id.
select rows_rejected, profiles, measures from segmentation.run_shards where run_id = %(run_id)s order by shard
