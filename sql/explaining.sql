-- name: delete_clusters
-- Removes what belonging to the clusters of a version costs.
-- Parameters: model_version_id.
delete from segmentation.version_clusters where model_version_id = :model_version_id;

-- name: insert_cluster
-- Adds what belonging to a cluster of a version costs.
-- Parameters: model_version_id, cluster_label, points (an array as text), form (an array as text), constant.
insert into segmentation.version_clusters (model_version_id, cluster_label, points, form, constant)
values (
    :model_version_id, :cluster_label, :points::double precision[], :form::double precision[], :constant
);

-- name: insert_feature
-- Adds a feature of a version.
-- Parameters: model_version_id, place, feature, transform, mean, scale.
insert into segmentation.version_features (model_version_id, place, feature, transform, mean, scale)
values (:model_version_id, :place, :feature, :transform, :mean, :scale);

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
