-- Returns the customers by their segments in two runs, of one key in so many; null where a run has no such customer.
-- Parameters: former_run, former_version, latter_run, latter_version, every.
select former.segment_id as former_segment, latter.segment_id as latter_segment, count(*) as customers
from (
    select customer_id, segment_id
    from segmentation.customer_labels
    where run_id = %(former_run)s and model_version_id = %(former_version)s
        and (%(every)s = 1 or hashtextextended(customer_id::text, 0) %% %(every)s = 0)
) as former
full join (
    select customer_id, segment_id
    from segmentation.customer_labels
    where run_id = %(latter_run)s and model_version_id = %(latter_version)s
        and (%(every)s = 1 or hashtextextended(customer_id::text, 0) %% %(every)s = 0)
) as latter using (customer_id)
group by 1, 2
order by 1, 2
