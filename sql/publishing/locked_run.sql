-- Returns a run, which nobody else can end or claim a shard of until the transaction ends. Parameters: run_id.
select run_id, as_of, status, dry_run, note, rows_read, rows_labelled, rows_rejected
from segmentation.scoring_runs
where run_id = %(run_id)s
for update
