-- Returns the champions' rows. Parameters: models, an array of names.
select
    model_version_id, model, version, status, structure, metrics, clusters, artifact, artifact_sha256,
    artifact_pruned_at
from segmentation.model_versions
where status = 'champion' and model = any(%(models)s)
order by model
