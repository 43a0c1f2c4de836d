-- The run that is current for each model.
-- Read by: segmentation_reader, segmentation_dashboard.

create or replace view segmentation.current_models as
select distinct on (published.model)
    published.model,
    published.as_of,
    published.run_id,
    published.model_version_id,
    published.published_at
from segmentation.published_runs as published
where
    not exists (
        select
        from segmentation.model_retirements as retired
        where retired.model = published.model and retired.returned_on is null
    )
order by published.model, published.as_of desc;
comment on view segmentation.current_models is 'The run that is current for each model: that of its latest date. Retired models have none.';
comment on column segmentation.current_models.model is 'Name of the model.';
comment on column segmentation.current_models.as_of is 'The latest business date published.';
comment on column segmentation.current_models.run_id is 'The run that made it.';
comment on column segmentation.current_models.model_version_id is 'The version that labelled it.';
comment on column segmentation.current_models.published_at is 'When it was published.';
