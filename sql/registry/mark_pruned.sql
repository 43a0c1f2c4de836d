-- Notes that a version's artifact is removed. Parameters: model_version_id.
update segmentation.model_versions set artifact_pruned_at = now() where model_version_id = %(model_version_id)s
