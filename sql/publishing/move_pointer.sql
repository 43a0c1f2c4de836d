-- Makes a run the one that holds for its date, for the models that it ran. Parameters: run_id.
insert into segmentation.published_runs (model, as_of, run_id, model_version_id)
select model.model, run.as_of, run.run_id, model.model_version_id
from segmentation.scoring_runs as run
join segmentation.run_models as model on model.run_id = run.run_id
where run.run_id = %(run_id)s
on conflict (model, as_of) do update
set run_id = excluded.run_id, model_version_id = excluded.model_version_id, published_at = now(),
    published_xid = pg_current_xact_id()
