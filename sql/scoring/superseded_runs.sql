-- Returns the runs that a new run takes the place of. Parameters: as_of, models, dry_run.
select run.run_id
from segmentation.scoring_runs as run
where
    run.status = 'running' and run.as_of = %(as_of)s and not run.dry_run and not %(dry_run)s
    and exists (
        select
        from segmentation.run_models as model
        where model.run_id = run.run_id and model.model = any(%(models)s)
    )
order by run.run_id
