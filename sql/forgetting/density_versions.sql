-- Returns the DBSCAN versions whose artifacts are there: they hold the values of customers.
select
    model_version_id, model, version, status, structure, metrics, clusters, artifact, artifact_sha256,
    artifact_pruned_at
from segmentation.model_versions
where algorithm = 'dbscan' and artifact_pruned_at is null
order by model, version
