-- Returns a version's row. Parameters: model_version_id.
select
    model_version_id, model, version, status, structure, metrics, clusters, artifact, artifact_sha256,
    artifact_pruned_at
from segmentation.model_versions
where model_version_id = %(model_version_id)s
