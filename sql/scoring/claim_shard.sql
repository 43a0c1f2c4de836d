-- Claims a shard for an attempt; returns it unless it is claimed or the run has ended. Parameters: the values.
with running as (
    select run_id from segmentation.scoring_runs where run_id = %(run_id)s and status = 'running' for share
)
update segmentation.run_shards
set
    rows_read = %(rows_read)s,
    rows_labelled = %(rows_labelled)s,
    rows_rejected = %(rows_rejected)s,
    reasons = %(reasons)s,
    profiles = %(profiles)s,
    compositions = %(compositions)s,
    measures = %(measures)s,
    samples = %(samples)s,
    compared = %(compared)s,
    attempt = %(attempt)s,
    finished_at = now()
where run_id = %(run_id)s and shard = %(shard)s and finished_at is null and exists (select from running)
returning shard
