-- Returns the size of a segment on its latest dates, oldest first. Parameters: model, segment_id, at_most.
select as_of, customers, share
from (
    select as_of, customers, share
    from segmentation.segments
    where model = %(model)s and segment_id = %(segment_id)s
    order by as_of desc
    limit %(at_most)s
) as latest
order by as_of
