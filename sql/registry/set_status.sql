-- Sets a version's status. Parameters: model_version_id, status.
update segmentation.model_versions set status = %(status)s where model_version_id = %(model_version_id)s
