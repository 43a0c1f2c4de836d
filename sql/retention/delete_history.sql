-- Removes the periods that ended so long before the latest date; one in the future counts as today, lest a mistyped date
-- removes everything. Parameters: days.
delete from segmentation.segment_history
where valid_to <= least((select max(as_of) from segmentation.published_runs), current_date) - %(days)s::integer
