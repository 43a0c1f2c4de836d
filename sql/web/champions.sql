-- Returns the champions of some models with what they were made of. Parameters: models, an array of names.
select model, version, structure, algorithm, features, settings, metrics, trained_at
from segmentation.model_versions
where status = 'champion' and model = any(%(models)s)
