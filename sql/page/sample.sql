-- Returns the labels with the smallest hashes of the key among a portion of a run's. Names: portion. Parameters: run_id,
-- model_version_id, at_most.
select customer_id::text as customer_id, segment_id, confidence
from segmentation.customer_labels {portion}
where run_id = %(run_id)s and model_version_id = %(model_version_id)s
order by hashtextextended(customer_id::text, 0), customer_labels.customer_id
limit %(at_most)s
