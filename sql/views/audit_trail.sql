-- What people changed, and what was decided on versions.
-- Read by: segmentation_writer.

create or replace view segmentation.audit_trail as
select occurred_at, action, model, actor, description, detail, database_user
from segmentation.audit_log
union all
select
    decision.decided_at,
    decision.decision,
    decision.model,
    decision.decided_by,
    format('Version %s: %s', version.version, decision.reason),
    decision.metrics,
    decision.database_user
from segmentation.promotions as decision
join segmentation.model_versions as version on version.model_version_id = decision.model_version_id
union all
select retired_at, 'retire', model, retired_by, format('From %s on: %s', retired_on, reason), '{}', database_user
from segmentation.model_retirements
where run_id is null;
comment on view segmentation.audit_trail is 'Who changed what by hand, models that were retired so included, and who or what decided on versions; for whoever runs the segmentation, not for BI.';
comment on column segmentation.audit_trail.occurred_at is 'When.';
comment on column segmentation.audit_trail.action is 'name_segment, reset_segment_name, forget, drop_core_point, release_run, abandon_run, withdraw, rekey, download, export, retire, promoted, refused or rolled_back.';
comment on column segmentation.audit_trail.model is 'The model that it is about, if it is about one.';
comment on column segmentation.audit_trail.actor is 'Who: a person, or the gate of the retraining DAG, as the login says that wrote it.';
comment on column segmentation.audit_trail.description is 'What happened, in a sentence.';
comment on column segmentation.audit_trail.detail is 'The figures or the words before and after.';
comment on column segmentation.audit_trail.database_user is 'The login that wrote it, filled by the server.';
