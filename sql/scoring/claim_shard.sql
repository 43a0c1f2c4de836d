-- Claims a shard for an attempt; returns it unless it is claimed or the run has ended. Names: the values.
with running as (
    select run_id from segmentation.scoring_runs where run_id = {run_id} and status = 'running' for share
)
update segmentation.run_shards
set
    rows_read = {rows_read},
    rows_labelled = {rows_labelled},
    rows_rejected = {rows_rejected},
    reasons = {reasons},
    profiles = {profiles},
    attempt = {attempt},
    finished_at = now()
where run_id = {run_id} and shard = {shard} and finished_at is null and exists (select from running)
returning shard
