-- Returns the latest versions of a model, newest first. Parameters: model, at_most.
select version, status, structure, metrics, sample_rows, trained_at
from segmentation.model_versions
where model = %(model)s
order by version desc
limit %(at_most)s
