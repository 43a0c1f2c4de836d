-- Returns the versions that a run scored with, and their clusters' segments. Parameters: run_id.
select version.model, version.model_version_id, version.structure, version.clusters
from segmentation.run_models as model
join segmentation.model_versions as version on version.model_version_id = model.model_version_id
where model.run_id = %(run_id)s
order by version.model
