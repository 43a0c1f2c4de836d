-- Removes the periods that ended so long before the latest date. Parameters: days.
delete from segmentation.segment_history
where valid_to <= (select max(as_of) from segmentation.published_runs) - %(days)s::integer
