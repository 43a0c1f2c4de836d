-- Makes a table of the customers of whom the history says otherwise than a run's labels. Names: table, labels.
-- Parameters: model, as_of.
create table {table} as
select customer_id, period.segment_id as from_segment, label.segment_id as to_segment
from (
    select customer_id, segment_id
    from segmentation.segment_history
    where model = %(model)s and valid_from <= %(as_of)s and (valid_to is null or valid_to > %(as_of)s)
) as period
full join {labels} as label using (customer_id)
where period.segment_id is distinct from label.segment_id
