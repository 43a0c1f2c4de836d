-- Returns the latest versions of a model, newest first. Parameters: model, at_most.
select
    model_version_id, version, status, structure, settings, metrics, sample_rows, trained_at,
    artifact_pruned_at is not null as is_pruned
from segmentation.model_versions
where model = %(model)s
order by version desc
limit %(at_most)s
