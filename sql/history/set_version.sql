-- Corrects the version of the periods that begin on a date. Parameters: model, as_of, model_version_id.
update segmentation.segment_history
set model_version_id = %(model_version_id)s
where model = %(model)s and valid_from = %(as_of)s and model_version_id <> %(model_version_id)s
