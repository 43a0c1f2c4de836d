-- Returns the current segments of some models, with every column. Parameters: models, an array of names.
select *
from segmentation.current_segments
where model = any(%(models)s)
order by model, segment_id
