-- The run that is current for each model.
-- Read by: segmentation_reader.

create or replace view segmentation.current_models as
select distinct on (model) model, as_of, run_id, model_version_id, published_at
from segmentation.published_runs
order by model, as_of desc;
comment on view segmentation.current_models is 'The run that is current for each model: that of its latest date.';
comment on column segmentation.current_models.model is 'Name of the model.';
comment on column segmentation.current_models.as_of is 'The latest business date published.';
comment on column segmentation.current_models.run_id is 'The run that made it.';
comment on column segmentation.current_models.model_version_id is 'The version that labelled it.';
comment on column segmentation.current_models.published_at is 'When it was published.';
