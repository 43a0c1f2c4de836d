-- Removes a run's rejected rows. Parameters: run_id.
delete from segmentation.rejected_customers where run_id = %(run_id)s
