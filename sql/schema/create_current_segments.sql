-- Creates the view of the current segments with the columns {columns}.
create view segmentation.current_segments as
select {columns}
from segmentation.segments as segment
join segmentation.current_models as current on current.as_of = segment.as_of and current.model = segment.model;
comment on view segmentation.current_segments is 'One row per model and segment, as of the latest date: the segments as they are now.';
