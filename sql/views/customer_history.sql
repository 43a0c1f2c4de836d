-- The periods of each customer, with the names of the segments.
-- Read by: segmentation_reader.

-- The name is looked up segment by segment, so that one customer's periods are a probe of the history's index.
create or replace view segmentation.customer_history as
select
    period.customer_id,
    period.model,
    period.segment_id,
    named.segment_name,
    period.valid_from,
    period.valid_to,
    period.model_version_id
from segmentation.segment_history as period
left join lateral (
    select segment.segment_name
    from segmentation.segments as segment
    where segment.model = period.model and segment.segment_id = period.segment_id
    order by segment.as_of desc
    limit 1
) as named on true;
comment on view segmentation.customer_history is 'segment_history with names: one row per customer, model and period in one segment.';
comment on column segmentation.customer_history.customer_id is 'The customer.';
comment on column segmentation.customer_history.model is 'Name of the model.';
comment on column segmentation.customer_history.segment_id is 'The segment, stable across versions; 0 for outliers.';
comment on column segmentation.customer_history.segment_name is 'Name of the segment at present, or when it was there last.';
comment on column segmentation.customer_history.valid_from is 'The first published date of the period.';
comment on column segmentation.customer_history.valid_to is 'The first published date that no longer belongs to the period; null while it lasts.';
comment on column segmentation.customer_history.model_version_id is 'The version that labelled the customer on valid_from.';
