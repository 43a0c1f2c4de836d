-- name: labels
-- Returns a customer's current labels by some models, each with what the segments of its label set are called.
-- Parameters: customer_id, models (an array of names).
select
    label.customer_id,
    label.model,
    label.as_of,
    label.cluster_label,
    label.segment_id,
    label.segment_name,
    label.confidence,
    label.model_version_id,
    (
        select jsonb_object_agg(named.segment_id, named.segment_name)
        from segmentation.run_models as made
        join segmentation.label_names as named on named.label_set = made.label_set
        where made.run_id = label.run_id and made.model = label.model
    ) as segment_names
from segmentation.current_customer_segments as label
where label.customer_id = :customer_id and label.model = any(:models)
order by label.model;
