-- Counts the customers whose segment changed on a date, by former and present segment. Parameters: model, as_of.
select former.segment_id as from_segment, latter.segment_id as to_segment, count(*) as customers
from (
    select customer_id, segment_id from segmentation.segment_history where model = %(model)s and valid_to = %(as_of)s
) as former
full join (
    select customer_id, segment_id from segmentation.segment_history where model = %(model)s and valid_from = %(as_of)s
) as latter using (customer_id)
where former.segment_id is distinct from latter.segment_id
group by former.segment_id, latter.segment_id
