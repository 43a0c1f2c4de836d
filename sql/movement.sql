-- name: history
-- Returns the customers whose segment on a date is another one than on a former date, by both; null is no label. Who
-- left a segment and came back is none of them.
-- Parameters: model, former, latter.
with left_behind as (
    select customer_id, segment_id
    from segmentation.segment_history
    where model = :model and valid_from <= :former and valid_to > :former and valid_to <= :latter
),
reached as (
    select customer_id, segment_id
    from segmentation.segment_history
    where model = :model and valid_from > :former and valid_from <= :latter and (valid_to is null or valid_to > :latter)
)
select left_behind.segment_id as former, reached.segment_id as latter, count(*) as customers
from left_behind
full join reached using (customer_id)
where left_behind.segment_id is distinct from reached.segment_id
group by left_behind.segment_id, reached.segment_id;

-- name: names
-- Returns what the segments of a model were called on a date.
-- Parameters: model, as_of.
select segment_id, segment_name
from segmentation.segments
where model = :model and as_of = :as_of
order by segment_id = 0, segment_id;

-- name: published
-- Returns the movement that was published with a date, if the former date is the one before it; else no row.
-- Parameters: model, former, latter.
select
    from_segment_id as former,
    to_segment_id as latter,
    customers,
    by_behaviour,
    by_model,
    by_time
from segmentation.segment_migrations
where model = :model and as_of = :latter and previous_as_of = :former
order by from_segment_id, to_segment_id;
