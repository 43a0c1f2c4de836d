-- Drops what the manifest of a run that has ended holds of single customers: the samples, and the keys that cut the customers
-- into shards. Parameters: run_id.
update segmentation.run_shards
set samples = null, lower_bound = null, upper_bound = null
where run_id = %(run_id)s and num_nonnulls(samples, lower_bound, upper_bound) > 0
