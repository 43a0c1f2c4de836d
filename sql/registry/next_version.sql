-- Returns the next version number of a model. Parameters: model.
select coalesce(max(version), 0) + 1 from segmentation.model_versions where model = %(model)s
