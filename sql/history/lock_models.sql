-- Waits until nobody else writes the history of a run's models; in one order, so that no two wait for each other.
-- Parameters: run_id.
select pg_advisory_xact_lock(hashtext('segmentation.segment_history'), model.key)
from (
    select distinct hashtext(model) as key from segmentation.run_models where run_id = %(run_id)s order by 1
) as model
