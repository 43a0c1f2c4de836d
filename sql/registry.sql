-- name: champions
-- Returns the champions' rows.
-- Parameters: models (an array of names).
select
    model_version_id, model, version, status, structure, metrics, clusters, artifact, artifact_sha256,
    artifact_pruned_at
from segmentation.model_versions
where status = 'champion' and model = any(:models)
order by model;

-- name: champions_at
-- Returns the rows of the versions that were champions at a moment.
-- Parameters: models (an array of names), moment.
select distinct on (decision.model)
    version.model_version_id, version.model, version.version, version.status, version.structure, version.metrics,
    version.clusters, version.artifact, version.artifact_sha256, version.artifact_pruned_at
from segmentation.promotions as decision
join segmentation.model_versions as version on version.model_version_id = decision.model_version_id
where
    decision.model = any(:models) and decision.decision in ('promoted', 'rolled_back')
    and decision.decided_at < :moment
-- Decisions on a model wait for one another before they are numbered: the last number is the last word.
order by decision.model, decision.promotion_id desc;

-- name: decision
-- Returns what somebody has decided on a version, the last word first.
-- Parameters: model_version_id, decided_by.
select decision, reason
from segmentation.promotions
where model_version_id = :model_version_id and decided_by = :decided_by
order by promotion_id desc
limit 1;

-- name: first_promotions
-- Returns when each model got its first champion, no row for one that never had one.
-- Parameters: models (an array of names).
select model, min(decided_at) as decided_at
from segmentation.promotions
where model = any(:models) and decision = 'promoted'
group by model
order by min(decided_at), model;

-- name: former_champion_id
-- Returns the id of the champion that a version took the place of when it was promoted.
-- Parameters: model_version_id.
select previous_version_id
from segmentation.promotions
where model_version_id = :model_version_id and decision = 'promoted'
order by promotion_id desc
limit 1;

-- name: insert_candidate
-- Adds a candidate of a version.
-- Parameters: model_version_id, candidate, chosen, settings, verdict, clusters, smallest_share, noise_share,
-- silhouette, prediction_strength, min_jaccard, gap, gap_error, bic, figures.
insert into segmentation.model_selection (
    model_version_id, candidate, chosen, settings, verdict, clusters, smallest_share, noise_share, silhouette,
    prediction_strength, min_jaccard, gap, gap_error, bic, figures
) values (
    :model_version_id, :candidate, :chosen, :settings, :verdict, :clusters, :smallest_share,
    :noise_share, :silhouette, :prediction_strength, :min_jaccard, :gap, :gap_error, :bic,
    :figures
);

-- name: insert_decision
-- Records a decision on a version.
-- Parameters: model, model_version_id, previous_version_id, decision, reason, metrics, decided_by.
insert into segmentation.promotions (
    model, model_version_id, previous_version_id, decision, reason, metrics, decided_by
) values (
    :model, :model_version_id, :previous_version_id, :decision, :reason, :metrics, :decided_by
);

-- name: insert_event
-- Adds an event of a segment.
-- Parameters: model, model_version_id, event, segment_id, related_segment_ids, jaccard, description.
insert into segmentation.segment_events (
    model, model_version_id, event, segment_id, related_segment_ids, jaccard, description
) values (
    :model, :model_version_id, :event, :segment_id, :related_segment_ids, :jaccard, :description
);

-- name: insert_version
-- Adds a candidate and returns its id.
-- Parameters: model, version, structure, algorithm, features, settings, metrics, clusters, artifact, artifact_sha256,
-- sample_rule, sample_rows, sample_sha256, library_versions.
insert into segmentation.model_versions (
    model, version, structure, algorithm, features, settings, metrics, clusters,
    artifact, artifact_sha256, sample_rule, sample_rows, sample_sha256, library_versions
) values (
    :model, :version, :structure, :algorithm, :features, :settings, :metrics, :clusters,
    :artifact, :artifact_sha256, :sample_rule, :sample_rows, :sample_sha256, :library_versions
)
returning model_version_id;

-- name: lock_model
-- Waits until nobody else registers or promotes a version of this model.
-- Parameters: model.
select pg_advisory_xact_lock(hashtext('segmentation.model_versions'), hashtext(:model));

-- name: mark_pruned
-- Notes that a version's artifact is removed.
-- Parameters: model_version_id.
update segmentation.model_versions set artifact_pruned_at = now() where model_version_id = :model_version_id;

-- name: may_tell_warehouse
-- Returns whether the server tells us which one it is.
select has_function_privilege('pg_catalog.pg_control_system()', 'execute');

-- name: next_version
-- Returns the next version number of a model.
-- Parameters: model.
select coalesce(max(version), 0) + 1 from segmentation.model_versions where model = :model;

-- name: numbered_version
-- Returns the id of a model's version.
-- Parameters: model, version.
select model_version_id from segmentation.model_versions where model = :model and version = :version;

-- name: prunable
-- Returns the versions whose artifacts nothing needs any more: not among the newest, not champion, not the one to roll
-- back to, and without labels that are still kept.
-- Parameters: model, keep (a number of versions), former (the id of the champion before the present).
select version.model_version_id, version.version
from segmentation.model_versions as version
where
    version.model = :model and version.status <> 'champion' and version.artifact_pruned_at is null
    and version.model_version_id is distinct from :former
    and version.version <= (
        select max(newest.version) from segmentation.model_versions as newest where newest.model = :model
    ) - :keep
    and not exists (
        select
        from segmentation.run_models as model
        join segmentation.scoring_runs as run on run.run_id = model.run_id
        where
            model.model_version_id = version.model_version_id
            and run.status in ('running', 'held', 'published', 'replaced', 'withdrawn')
            and run.labels_dropped_at is null
    )
order by version.version;

-- name: present_artifacts
-- Returns the artifacts of a model's versions that are not pruned.
-- Parameters: model.
select artifact
from segmentation.model_versions
where model = :model and artifact_pruned_at is null;

-- name: pruned_artifacts
-- Returns the artifacts of a model that are not needed any more, with their versions: of pruned ones, and those that
-- had the values of a customer who was forgotten.
-- Parameters: model.
select version, artifact
from segmentation.model_versions
where model = :model and artifact_pruned_at is not null
union
select former.version, forgotten.detail ->> 'before'
from segmentation.audit_log as forgotten
join
    segmentation.model_versions as former
    on
        former.model = forgotten.model
        and starts_with(forgotten.detail ->> 'before', former.model || '/' || former.version || '-')
where
    forgotten.model = :model and forgotten.action = 'drop_core_point'
    and not exists (
        select from segmentation.model_versions as present where present.artifact = forgotten.detail ->> 'before'
    )
order by version;

-- name: repeats_refusal
-- Returns whether the last decision on a version refuses it for what the model was refused for just before, beside the
-- same champion: by the same sentence, but for its figures, or by the same limits of the gate.
-- Parameters: model_version_id.
with told as (
    select
        promotion_id, model, model_version_id, decision, previous_version_id,
        coalesce(
            regexp_replace(metrics ->> 'refusal', '[0-9]+([.,][0-9]+)*', '#', 'g'),
            jsonb_path_query_array(metrics, '$.checks[*] ? (@.passed == false).name')::text
        ) as cause
    from segmentation.promotions
),
own as (
    select told.* from told where told.model_version_id = :model_version_id order by told.promotion_id desc limit 1
),
former as (
    select told.*
    from told
    join own on own.model = told.model and told.promotion_id < own.promotion_id
    order by told.promotion_id desc
    limit 1
)
select exists (
    select
    from own
    join former on former.cause = own.cause and former.decision = own.decision
    where
        own.decision = 'refused'
        and coalesce(former.previous_version_id, 0) = coalesce(own.previous_version_id, 0)
) as repeats;

-- name: retire_champion
-- Makes a model's champion a former one.
-- Parameters: model.
update segmentation.model_versions set status = 'retired' where model = :model and status = 'champion';

-- name: segment_ids
-- Returns every segment id that a champion of a model has or had.
-- Parameters: model.
select distinct (cluster ->> 'segment_id')::integer as segment_id
from segmentation.model_versions, jsonb_array_elements(clusters) as cluster
where model = :model and status in ('champion', 'retired');

-- name: set_status
-- Sets a version's status.
-- Parameters: model_version_id, status.
update segmentation.model_versions set status = :status where model_version_id = :model_version_id;

-- name: warehouse
-- Returns what tells this database from every other one, also from those that were made from its backup.
select
    (select control.system_identifier from pg_control_system() as control)::text || '/' || database.oid::text
    as warehouse
from pg_database as database
where database.datname = current_database();

-- name: version
-- Returns a version's row.
-- Parameters: model_version_id.
select
    model_version_id, model, version, status, structure, metrics, clusters, artifact, artifact_sha256,
    artifact_pruned_at
from segmentation.model_versions
where model_version_id = :model_version_id;
