-- The current segment of each customer, by every model.
-- Read by: segmentation_reader.

-- The function is a constant for the planner, which leaves out, and does not lock, the partitions of all other label
-- sets; where the model is asked for by name, also those of other models. Nothing here may be of another night, see
-- there.
create or replace view segmentation.current_customer_segments as
select
    label.as_of,
    label.model,
    label.customer_id,
    label.cluster_label,
    label.segment_id,
    named.segment_name,
    label.confidence,
    label.run_id,
    label.model_version_id
from segmentation.customer_labels as label
join segmentation.label_names as named on named.label_set = label.label_set and named.segment_id = label.segment_id
where label.label_set = any(segmentation.current_label_sets());
comment on view segmentation.current_customer_segments is 'One row per model and customer: the segment that the customer is in now.';
comment on column segmentation.current_customer_segments.as_of is 'The business date.';
comment on column segmentation.current_customer_segments.model is 'Name of the model.';
comment on column segmentation.current_customer_segments.customer_id is 'The customer.';
comment on column segmentation.current_customer_segments.cluster_label is 'The version''s own number for the cluster, -1 for noise.';
comment on column segmentation.current_customer_segments.segment_id is 'The segment, stable across versions; 0 for outliers.';
comment on column segmentation.current_customer_segments.segment_name is 'Name of the segment.';
comment on column segmentation.current_customer_segments.confidence is 'How clearly the customer belongs there, 0 to 1.';
comment on column segmentation.current_customer_segments.run_id is 'The run that made the label.';
comment on column segmentation.current_customer_segments.model_version_id is 'The version that gave it.';
