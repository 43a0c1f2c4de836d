-- Waits until nobody else plans or publishes for this date. Parameters: as_of.
select pg_advisory_xact_lock(hashtext('segmentation.published_runs'), %(as_of)s::date - date '2000-01-01')
