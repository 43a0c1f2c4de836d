-- Returns the size of every segment of a model since a date, oldest first. Parameters: model, since.
select as_of, segment_id, segment_name, customers, share
from segmentation.segments
where model = %(model)s and as_of >= %(since)s
order by segment_id = 0, segment_id, as_of
