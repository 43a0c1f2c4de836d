-- Returns the artifacts of a model that are not needed any more. Parameters: model.
select artifact from segmentation.model_versions where model = %(model)s and artifact_pruned_at is not null
