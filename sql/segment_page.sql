-- name: changes
-- Returns who came into a segment or left it in a time, newest first, from a place in this order on.
-- Names: own (the column with the segment), other (that of where from or to), other_name.
-- Parameters: model, segment_id, since, until, cause (null: all), before_day, before_id (the place), at_most.
select change_id, as_of, customer_id, {other} as other_segment_id, {other_name} as other_segment_name, cause
from segmentation.segment_changes
where
    kind = 'change' and model = :model and {own} = :segment_id and as_of between :since and :until
    and (as_of, change_id) < (:before_day, :before_id) and (:cause::text is null or cause = :cause)
order by as_of desc, change_id desc
limit :at_most;

-- name: counts
-- Returns how many came into a segment or left it in a time, by where from or to and by cause, most first.
-- Names: own (the column with the segment), other (that of where from or to), other_name.
-- Parameters: model, segment_id, since, until.
select {other} as other_segment_id, max({other_name}) as other_segment_name, cause, count(*) as customers
from segmentation.segment_changes
where kind = 'change' and model = :model and {own} = :segment_id and as_of between :since and :until
group by {other}, cause
order by customers desc, other_segment_id, cause;

-- name: members
-- Returns the members of a segment in the order of their keys, after a key.
-- Names: label_set.
-- Parameters: segment_id, after (null: from the first), at_most.
select customer_id, confidence
from segmentation.customer_labels
where label_set = {label_set} and segment_id = :segment_id and (:after is null or customer_id > :after)
order by customer_id
limit :at_most;

-- name: sample
-- Returns the members of a segment with the smallest hashes of the key among a portion of the labels.
-- Names: portion (a sampling clause, or nothing), label_set.
-- Parameters: segment_id, at_most.
select customer_id, confidence
from segmentation.customer_labels {portion}
where label_set = {label_set} and segment_id = :segment_id
order by hashtextextended(customer_id::text, 0), customer_labels.customer_id
limit :at_most;

-- name: starts
-- Returns the dates in a time on which the members of a model were told as a whole, not one by one.
-- Parameters: model, since, until.
select distinct as_of
from segmentation.segment_changes
where kind = 'start' and model = :model and as_of between :since and :until
order by as_of;
