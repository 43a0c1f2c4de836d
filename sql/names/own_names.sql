-- Returns what analysts call the segments of some models. Parameters: models, an array of names.
select model, segment_id, segment_name, description, recommended_action
from segmentation.segment_names
where model = any(%(models)s)
