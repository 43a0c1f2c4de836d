-- Returns the versions that a run scores with. Parameters: run_id.
select
    version.model_version_id, version.model, version.version, version.status, version.structure, version.metrics,
    version.artifact, version.artifact_sha256
from segmentation.run_models as model
join segmentation.model_versions as version on version.model_version_id = model.model_version_id
where model.run_id = %(run_id)s
order by model.model
