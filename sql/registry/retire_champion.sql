-- Makes a model's champion a former one. Parameters: model.
update segmentation.model_versions set status = 'retired' where model = %(model)s and status = 'champion'
