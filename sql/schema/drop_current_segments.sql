-- Drops the view of the current segments, if it is there.
drop view if exists segmentation.current_segments;
