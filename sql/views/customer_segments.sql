-- The current segment of each customer, by the default model.
-- Read by: segmentation_reader.

-- As current_customer_segments.
create or replace view segmentation.customer_segments as
select
    label.customer_id,
    label.segment_id,
    named.segment_name,
    named.recommended_action,
    label.confidence,
    label.as_of,
    label.model,
    label.run_id,
    label.model_version_id
from segmentation.customer_labels as label
join segmentation.label_names as named on named.label_set = label.label_set and named.segment_id = label.segment_id
where label.label_set = segmentation.default_label_set();
comment on view segmentation.customer_segments is 'One row per customer: the segment that the customer is in now, by the default model of the source contract.';
comment on column segmentation.customer_segments.customer_id is 'The customer.';
comment on column segmentation.customer_segments.segment_id is 'The segment, stable across versions; 0 for outliers.';
comment on column segmentation.customer_segments.segment_name is 'Name of the segment.';
comment on column segmentation.customer_segments.recommended_action is 'What to do for its customers.';
comment on column segmentation.customer_segments.confidence is 'How clearly the customer belongs there, 0 to 1.';
comment on column segmentation.customer_segments.as_of is 'The business date.';
comment on column segmentation.customer_segments.model is 'Name of the model.';
comment on column segmentation.customer_segments.run_id is 'The run that made the label.';
comment on column segmentation.customer_segments.model_version_id is 'The version that gave it.';
