-- Gives a version another artifact. Parameters: model_version_id, artifact, artifact_sha256.
update segmentation.model_versions
set artifact = %(artifact)s, artifact_sha256 = %(artifact_sha256)s
where model_version_id = %(model_version_id)s
