-- Returns each of some models with its latest published date. Parameters: models, an array of names.
select model, max(as_of) as latest
from segmentation.published_runs
where model = any(%(models)s)
group by model
