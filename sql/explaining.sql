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
