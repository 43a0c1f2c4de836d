-- Begins the periods of the customers who changed. Names: changes. Parameters: model, as_of, model_version_id.
insert into segmentation.segment_history (customer_id, model, segment_id, valid_from, model_version_id)
select customer_id, %(model)s, to_segment, %(as_of)s, %(model_version_id)s
from {changes}
where to_segment is not null
