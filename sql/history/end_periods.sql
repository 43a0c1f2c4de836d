-- Ends the periods of the customers who changed. Names: changes. Parameters: model, as_of.
update segmentation.segment_history as period
set valid_to = %(as_of)s
from {changes} as change
where
    period.model = %(model)s and period.customer_id = change.customer_id and period.valid_to is null
    and period.segment_id = change.from_segment
