-- Returns the run of the preceding date for each version of a run that will be published. Parameters: run_id.
select
    model.model_version_id, former.as_of, former.run_id as base_run_id, former.model_version_id as base_version_id
from segmentation.run_models as model
join segmentation.scoring_runs as run on run.run_id = model.run_id
cross join lateral (
    select published.as_of, published.run_id, published.model_version_id
    from segmentation.published_runs as published
    where published.model = model.model and published.as_of < run.as_of
    order by published.as_of desc
    limit 1
) as former
where model.run_id = %(run_id)s and not run.dry_run
