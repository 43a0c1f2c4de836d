-- Returns what a shard has sampled for the quartiles. Parameters: run_id, shard.
select samples from segmentation.run_shards where run_id = %(run_id)s and shard = %(shard)s
