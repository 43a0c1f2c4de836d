-- The current segment of each customer, by the default model.
-- Read by: segmentation_reader.

create or replace view segmentation.customer_segments as
select
    label.customer_id,
    label.segment_id,
    segment.segment_name,
    segment.recommended_action,
    label.confidence,
    current.as_of,
    current.model,
    label.run_id,
    label.model_version_id
from segmentation.current_models as current
join segmentation.customer_labels as label
    on label.run_id = current.run_id and label.model_version_id = current.model_version_id
join segmentation.segments as segment
    on segment.as_of = current.as_of and segment.model = current.model and segment.segment_id = label.segment_id
where
    current.model = (
        select coalesce(
            (select default_model from segmentation.contract),
            (select min(model) from segmentation.current_models)
        )
    )
    -- Scalar subqueries let the executor leave out the partitions of all other runs and models.
    and label.run_id = (
        select run_id
        from segmentation.current_models
        where model = (
            select coalesce(
                (select default_model from segmentation.contract),
                (select min(model) from segmentation.current_models)
            )
        )
    )
    and label.model_version_id = (
        select model_version_id
        from segmentation.current_models
        where model = (
            select coalesce(
                (select default_model from segmentation.contract),
                (select min(model) from segmentation.current_models)
            )
        )
    );
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
