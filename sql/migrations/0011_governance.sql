-- Shares of protected groups by segment, what people and programs have changed by hand, and no keys where none are
-- needed.

alter table segmentation.run_shards add column compositions jsonb;
comment on column segmentation.run_shards.compositions is 'Customers by protected group per version and cluster.';

-- The bounds are keys of customers, of whom somebody may want to be forgotten.
update segmentation.run_shards as shard
set lower_bound = null, upper_bound = null
from segmentation.scoring_runs as run
where
    run.run_id = shard.run_id and run.status <> 'running'
    and num_nonnulls(shard.lower_bound, shard.upper_bound) > 0;
comment on column segmentation.run_shards.lower_bound is 'Smallest key of the shard; null: no bound, or the run has ended.';
comment on column segmentation.run_shards.upper_bound is 'First key after the shard; null: no bound, or the run has ended.';

create table segmentation.segment_groups (
    as_of            date not null,
    model            text not null,
    segment_id       integer not null check (segment_id >= 0),
    column_name      text not null,
    group_name       text not null,
    customers        bigint check (customers >= 0),
    group_customers  bigint check (group_customers >= 0),
    run_id           bigint not null references segmentation.scoring_runs,
    primary key (as_of, model, segment_id, column_name, group_name)
);
comment on table segmentation.segment_groups is 'One row per date, model, segment and group of a protected column. Numbers below min_group are left out, and so are the next larger ones from whose sums they could be told.';
comment on column segmentation.segment_groups.as_of is 'The business date.';
comment on column segmentation.segment_groups.model is 'Name of the model.';
comment on column segmentation.segment_groups.segment_id is 'Number of the segment, stable across versions; 0 for outliers.';
comment on column segmentation.segment_groups.column_name is 'The protected column of the source contract.';
comment on column segmentation.segment_groups.group_name is 'The value that the group has in common; "not given" without a value, "other" for all groups but the fifty largest.';
comment on column segmentation.segment_groups.customers is 'Customers of the group in the segment; null: too few to say.';
comment on column segmentation.segment_groups.group_customers is 'Customers of the group in all segments of the model; null: too few to say.';
comment on column segmentation.segment_groups.run_id is 'The run that made this row.';

create view segmentation.segment_disparity as
select
    held.as_of,
    held.model,
    held.segment_id,
    segment.segment_name,
    held.column_name,
    held.group_name,
    held.customers,
    held.customers::double precision / nullif(segment.customers, 0) as share_of_segment,
    held.group_customers::double precision / nullif(whole.customers, 0) as share_of_all,
    (held.customers::double precision / nullif(segment.customers, 0))
    / nullif(held.group_customers::double precision / nullif(whole.customers, 0), 0) as ratio,
    held.customers is null as suppressed
from segmentation.segment_groups as held
join segmentation.segments as segment
    on segment.as_of = held.as_of and segment.model = held.model and segment.segment_id = held.segment_id
join (
    select as_of, model, sum(customers) as customers from segmentation.segments group by as_of, model
) as whole on whole.as_of = held.as_of and whole.model = held.model;
comment on view segmentation.segment_disparity is 'One row per date, model, segment and group of a protected column: whether a segment holds more of a group than its share of all customers. No model sees a protected column; what it sees may go along with one.';
comment on column segmentation.segment_disparity.as_of is 'The business date.';
comment on column segmentation.segment_disparity.model is 'Name of the model.';
comment on column segmentation.segment_disparity.segment_id is 'Number of the segment, stable across versions; 0 for outliers.';
comment on column segmentation.segment_disparity.segment_name is 'Name of the segment on that date.';
comment on column segmentation.segment_disparity.column_name is 'The protected column of the source contract.';
comment on column segmentation.segment_disparity.group_name is 'The value that the group has in common; "not given" without a value, "other" for all groups but the fifty largest.';
comment on column segmentation.segment_disparity.customers is 'Customers of the group in the segment; null: too few to say, or their number would tell another''s.';
comment on column segmentation.segment_disparity.share_of_segment is 'Share of the group among the segment''s customers, 0 to 1; null as customers.';
comment on column segmentation.segment_disparity.share_of_all is 'Share of the group among all customers that the model labelled, 0 to 1; null: too few to say.';
comment on column segmentation.segment_disparity.ratio is 'share_of_segment over share_of_all: 1 where the segment holds the group as all customers do, 2 for twice as many.';
comment on column segmentation.segment_disparity.suppressed is 'True where the number is left out.';

create table segmentation.audit_log (
    audit_id       bigint generated always as identity primary key,
    occurred_at    timestamptz not null default now(),
    action         text not null check (action in ('name_segment', 'reset_segment_name', 'forget', 'drop_core_point')),
    model          text,
    actor          text not null,
    database_user  text not null default session_user,
    description    text not null,
    detail         jsonb not null
);
create index on segmentation.audit_log (occurred_at);
comment on table segmentation.audit_log is 'One row per change that a person made, apart from decisions on versions, which are in promotions. Nothing here names a customer.';
comment on column segmentation.audit_log.audit_id is 'Number of the change.';
comment on column segmentation.audit_log.occurred_at is 'When it was made.';
comment on column segmentation.audit_log.action is 'name_segment, reset_segment_name, forget (a customer) or drop_core_point (of a DBSCAN version).';
comment on column segmentation.audit_log.model is 'The model that it is about, if it is about one.';
comment on column segmentation.audit_log.actor is 'Who made it, as they said.';
comment on column segmentation.audit_log.database_user is 'The user of the database who was logged in.';
comment on column segmentation.audit_log.description is 'The change in a sentence.';
comment on column segmentation.audit_log.detail is 'What was there before and is there now; for forget a random request number and the rows removed by table.';

create function segmentation.audit_segment_names() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    former  jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    latter  jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    present jsonb := coalesce(latter, former);
begin
    insert into segmentation.audit_log (action, model, actor, description, detail)
    values (
        case when tg_op = 'DELETE' then 'reset_segment_name' else 'name_segment' end,
        present ->> 'model',
        coalesce(
            case when tg_op <> 'DELETE' then latter ->> 'set_by' end,
            nullif(current_setting('segmentation.actor', true), ''),
            session_user
        ),
        format(
            'Segment %s of %s: %s.', present ->> 'segment_id', present ->> 'model',
            case when tg_op = 'DELETE' then 'back to the model''s own words' else 'words of an analyst' end
        ),
        jsonb_build_object('before', former, 'after', latter)
    );
    return null;
end
$function$;
comment on function segmentation.audit_segment_names() is 'Notes who changed what people call a segment, whichever program they used.';
revoke execute on function segmentation.audit_segment_names() from public;
create trigger audit_segment_names
after insert or update or delete on segmentation.segment_names
for each row execute function segmentation.audit_segment_names();
comment on trigger audit_segment_names on segmentation.segment_names is 'Every change is noted in audit_log.';

create view segmentation.audit_trail as
select occurred_at, action, model, actor, description, detail
from segmentation.audit_log
union all
select
    decision.decided_at,
    decision.decision,
    decision.model,
    decision.decided_by,
    format('Version %s: %s', version.version, decision.reason),
    decision.metrics
from segmentation.promotions as decision
join segmentation.model_versions as version on version.model_version_id = decision.model_version_id;
comment on view segmentation.audit_trail is 'Who changed what by hand, and who or what decided on versions; for whoever runs the segmentation, not for BI.';
comment on column segmentation.audit_trail.occurred_at is 'When.';
comment on column segmentation.audit_trail.action is 'name_segment, reset_segment_name, forget, drop_core_point, promoted, refused or rolled_back.';
comment on column segmentation.audit_trail.model is 'The model that it is about, if it is about one.';
comment on column segmentation.audit_trail.actor is 'Who: a person, or the gate of the retraining DAG.';
comment on column segmentation.audit_trail.description is 'What happened, in a sentence.';
comment on column segmentation.audit_trail.detail is 'The figures or the words before and after.';

comment on column segmentation.model_versions.artifact_sha256 is 'SHA-256 of the artifact''s meta.json, which holds that of parameters.npz. Changes only when a customer is forgotten whose values were a core point of DBSCAN.';
comment on table segmentation.segments is 'One row per date, model and segment: the table that BI reads. Averages of the contract''s numeric columns follow as avg_<column>; they are null for a segment of fewer customers than min_group, and for the next larger one where the sums of other models would tell.';
comment on column segmentation.segment_profiles.mean is 'Mean, exact; null where nobody has a value or the segment is too small to be described, as the columns that follow.';
