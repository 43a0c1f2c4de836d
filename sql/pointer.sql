-- name: announce
-- Has every session plan anew what reads current labels. Whatever changes which labels are current executes this in
-- the same transaction, because plans hold the answer of current_label_sets as a constant. Any change of a table's
-- description makes sessions forget the plans that read the table; this one repeats what is so already, and takes no
-- lock that a reader holds.
alter table only segmentation.customer_labels alter column label_set set statistics 100;

-- name: bring_back
-- Ends the retirement of the models of a run for which it is the latest date; returns them, with the date from which on
-- they were retired.
-- Parameters: run_id.
update segmentation.model_retirements as retired
set returned_on = back.as_of
from (
    select made.model, made.model_version_id, run.as_of
    from segmentation.run_models as made
    join segmentation.scoring_runs as run on run.run_id = made.run_id
    left join segmentation.published_runs as later on later.model = made.model and later.as_of > run.as_of
    where made.run_id = :run_id and later.model is null
) as back
where retired.model = back.model and retired.returned_on is null
returning back.model, back.model_version_id, retired.retired_on;

-- name: cancel_empty_retirements
-- Lets the retirements of a model count for nothing before which nothing of it is published: nothing was retired.
-- Parameters: model.
update segmentation.model_retirements as retired
set returned_on = '-infinity'
where
    retired.model = :model
    and not exists (
        select
        from segmentation.published_runs as published
        where published.model = retired.model and published.as_of < retired.retired_on
    );

-- name: cancel_open_retirement
-- Lets the retirement that holds for a model count for nothing.
-- Parameters: model.
update segmentation.model_retirements set returned_on = '-infinity' where model = :model and returned_on is null;

-- name: cancel_retirement
-- Lets a retirement count for nothing.
-- Parameters: retirement_id.
update segmentation.model_retirements set returned_on = '-infinity' where retirement_id = :retirement_id;

-- name: cancel_retirements_within
-- Lets the retirements of a model count for nothing that were made since another one, and lie within it as it is now.
-- Parameters: model, retirement_id, until.
update segmentation.model_retirements
set returned_on = '-infinity'
where model = :model and retirement_id > :retirement_id and retired_on < :until and returned_on <= :until;

-- name: current
-- Returns what holds for each model.
select model, as_of, run_id, model_version_id from segmentation.current_models order by model;

-- name: end_retirement
-- Lets a retirement end on a date; null lets it hold.
-- Parameters: retirement_id, returned_on.
update segmentation.model_retirements set returned_on = :returned_on where retirement_id = :retirement_id;

-- name: gone
-- Returns what holds for the models that are no longer configured, and were not published for a later date than this.
-- Parameters: configured (an array of names), as_of.
select model, as_of, run_id, model_version_id
from segmentation.current_models
where model <> all(:configured) and as_of <= :as_of
order by model;

-- name: is_default_model
-- Returns whether the views show this model, null for the first by name; no row before the first migration.
-- Parameters: default_model.
select coalesce(default_model, '') = coalesce(:default_model::text, '') from segmentation.contract;

-- name: lock_labels
-- Waits until nobody else attaches labels or changes the pointer. Whoever changes the default model executes this
-- before, since a night may have attached the first labels of a model when it comes to pass the default model on.
lock table only segmentation.customer_labels in share update exclusive mode;

-- name: lock_model
-- Waits until nobody else publishes this model.
-- Parameters: model.
select pg_advisory_xact_lock(hashtext('segmentation.segment_history'), hashtext(:model));

-- name: lock_named
-- Waits until nobody else publishes labels and history of these models; in one order, so that no two wait for each
-- other.
-- Parameters: models (an array of names).
select pg_advisory_xact_lock(hashtext('segmentation.segment_history'), model.key)
from (select distinct hashtext(named.model) as key from unnest(:models::text[]) as named (model) order by 1) as model;

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

-- name: published_on
-- Returns the models that are published for a date, with their runs, in order.
-- Parameters: as_of.
select model, run_id, model_version_id from segmentation.published_runs where as_of = :as_of order by model;

-- name: retire
-- Takes a model out of what holds now, from a date on, or from the one after its latest where that is not before;
-- returns the date.
-- Parameters: model, day, reason, retired_by, run_id (null where a person does it).
insert into segmentation.model_retirements (model, retired_on, reason, retired_by, run_id)
select :model, greatest(:day::date, max(as_of) + 1), :reason, :retired_by, :run_id
from segmentation.published_runs
where model = :model
returning retired_on;

-- name: retire_from
-- Adds a retirement from a date on, and to another one; of those that hold there can be one a model.
-- Parameters: model, retired_on, returned_on (null where it holds), reason, retired_by, run_id (null: by a person).
insert into segmentation.model_retirements (model, retired_on, returned_on, reason, retired_by, run_id)
values (:model, :retired_on, :returned_on, :reason, :retired_by, :run_id);

-- name: retired_by_run
-- Returns the models that a run has retired, with the date from which on they are.
-- Parameters: run_id.
select model, retired_on from segmentation.model_retirements where run_id = :run_id order by model;

-- name: drop_default_model
-- Lets the views show the first model by name in place of one that is gone.
-- Parameters: model.
update segmentation.contract
set default_model = null
where default_model = :model;

-- name: follow_default_model
-- Passes the default model on to the views as soon as it has labels; until then they keep the present one while it has.
-- Parameters: default_model.
update segmentation.contract as held
set default_model = chosen.model
from (
    select case
        when :default_model::text is null or exists (
            select from segmentation.current_models where model = :default_model::text
        ) then :default_model::text
        else (
            select current.model
            from segmentation.current_models as current
            join segmentation.contract as present on present.default_model = current.model
        )
    end as model
) as chosen
where held.default_model is distinct from chosen.model;

-- name: withdraw
-- Lets a date be published no longer for some models.
-- Parameters: as_of, models (an array of names).
delete from segmentation.published_runs where as_of = :as_of and model = any(:models);

-- name: set_default_model
-- Passes the default model on to the views.
-- Parameters: default_model.
update segmentation.contract
set default_model = :default_model
where default_model is distinct from :default_model;
