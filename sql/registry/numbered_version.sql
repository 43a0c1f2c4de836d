-- Returns the id of a model's version. Parameters: model, version.
select model_version_id from segmentation.model_versions where model = %(model)s and version = %(version)s
