-- Returns the latest date for which a retraining was asked, but for that of a run. Parameters: run_id.
select max(as_of) from segmentation.retraining_requests where run_id <> %(run_id)s
