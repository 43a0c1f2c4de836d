-- Adds a shard to a run's manifest. Names: key_type. Parameters: run_id, shard, lower_bound, upper_bound.
insert into segmentation.run_shards (run_id, shard, lower_bound, upper_bound)
values (%(run_id)s, %(shard)s, %(lower_bound)s::{key_type}, %(upper_bound)s::{key_type})
