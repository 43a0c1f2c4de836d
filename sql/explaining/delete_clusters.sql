-- Removes what belonging to the clusters of a version costs. Parameters: model_version_id.
delete from segmentation.version_clusters where model_version_id = %(model_version_id)s
