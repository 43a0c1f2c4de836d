-- Returns the segments of a model and a date with their size on a former date. Parameters: model, as_of, former.
select segment.*, former.customers as former_customers, former.share as former_share
from segmentation.segments as segment
left join segmentation.segments as former
    on former.as_of = %(former)s and former.model = segment.model and former.segment_id = segment.segment_id
where segment.model = %(model)s and segment.as_of = %(as_of)s
order by segment.segment_id = 0, segment.segment_id
