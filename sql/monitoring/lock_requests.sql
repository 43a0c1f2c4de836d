-- Waits until nobody else decides whether to ask for a retraining.
select pg_advisory_xact_lock(hashtext('segmentation.retraining_requests'))
