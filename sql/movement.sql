-- name: history
-- Returns the customers whose segment on a date is another one than on a former date, by both; null is no label. Who
-- left a segment and came back is none of them.
-- Parameters: model, former, latter.
select former, latter, count(*) as customers
from (
    -- One scan for both: of the periods that ended in between, and of those that began in between and still held.
    select
        max(segment_id) filter (where valid_from <= :former) as former,
        max(segment_id) filter (where valid_from > :former) as latter
    from segmentation.segment_history
    where
        model = :model
        and valid_from <= :latter
        and case
            when valid_from <= :former then valid_to > :former and valid_to <= :latter
            else valid_to is null or valid_to > :latter
        end
    group by customer_id
) as customer
where former is distinct from latter
group by former, latter;

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
