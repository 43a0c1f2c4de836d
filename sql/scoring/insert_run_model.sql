-- Adds the version that a run scores a model with. Parameters: run_id, model, model_version_id.
insert into segmentation.run_models (run_id, model, model_version_id)
values (%(run_id)s, %(model)s, %(model_version_id)s)
