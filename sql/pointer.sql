-- name: announce
-- Has every session plan anew what reads current labels. Whatever changes which labels are current executes this in
-- the same transaction, because plans hold the answer of current_label_sets as a constant. Any change of a table's
-- description makes sessions forget the plans that read the table; this one repeats what is so already, and takes no
-- lock that a reader holds.
alter table only segmentation.customer_labels alter column label_set set statistics 100;

-- name: move
-- Makes a run the one that holds for its date, for the models that it ran.
-- Parameters: run_id.
insert into segmentation.published_runs (model, as_of, run_id, model_version_id)
select model.model, run.as_of, run.run_id, model.model_version_id
from segmentation.scoring_runs as run
join segmentation.run_models as model on model.run_id = run.run_id
where run.run_id = :run_id
on conflict (model, as_of) do update
set run_id = excluded.run_id, model_version_id = excluded.model_version_id, published_at = now(),
    published_xid = pg_current_xact_id();

-- name: set_default_model
-- Passes the default model on to the views.
-- Parameters: default_model.
update segmentation.contract
set default_model = :default_model
where default_model is distinct from :default_model;
