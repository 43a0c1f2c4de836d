-- Drops the samples of a run that has ended. Parameters: run_id.
update segmentation.run_shards set samples = null where run_id = %(run_id)s and samples is not null
