-- The feed of changes that other systems follow.

-- Whoever publishes at this moment ends first: what is current below is what nobody was told of.
lock table segmentation.published_runs in share row exclusive mode;

create table segmentation.segment_changes (
    change_id          bigint generated always as identity primary key,
    noted_at           timestamptz not null default statement_timestamp(),
    kind               text not null check (kind in ('change', 'start', 'end', 'forgotten', 'expired')),
    model              text check ((model is not null) = (kind in ('change', 'start', 'end'))),
    customer_id        {key_type} check ((customer_id is not null) = (kind in ('change', 'forgotten'))),
    as_of              date check ((as_of is not null) = (kind in ('change', 'start', 'end'))),
    from_segment_id    integer,
    from_segment_name  text,
    to_segment_id      integer,
    to_segment_name    text,
    cause              text check (
        cause in ('behaviour', 'time', 'model', 'source', 'joined', 'left', 'correction', 'unknown')
    ),
    run_id             bigint,
    check ((cause is not null) = (kind = 'change')),
    check ((from_segment_id is distinct from to_segment_id) = (kind = 'change'))
);
-- The planner's statistics would keep keys of customers whose rows are gone.
alter table segmentation.segment_changes alter column customer_id set statistics 0;
create index on segmentation.segment_changes (customer_id);
create index on segmentation.segment_changes (change_id) where kind in ('forgotten', 'expired');
comment on table segmentation.segment_changes is 'One row per customer who came into a segment, changed or left it, as it was published: a feed to follow by change_id. Rows are only ever appended; what was wrong is corrected by further rows, and old ones expire.';
comment on column segmentation.segment_changes.change_id is 'Where a consumer stands: what comes later has a greater number. Numbers are given one transaction after the other, so that none appears below one that was seen; some are left out.';
comment on column segmentation.segment_changes.noted_at is 'When the row was appended, by the server''s clock.';
comment on column segmentation.segment_changes.kind is 'change: of one customer. start: a model has labels that had none, or most of its customers have moved; read its members from current_customer_segments. end: a model has no labels any more, it has no members. forgotten: remove all that is kept of this customer. expired: this row, and all with smaller numbers that are not there, were removed; a consumer that meets one has missed rows, and reads all members anew.';
comment on column segmentation.segment_changes.model is 'Name of the model; null for forgotten and expired.';
comment on column segmentation.segment_changes.customer_id is 'The customer; null for start, end and expired.';
comment on column segmentation.segment_changes.as_of is 'The business date that is current for the model since; null for forgotten and expired.';
comment on column segmentation.segment_changes.from_segment_id is 'The segment before, stable across versions; 0 for outliers, null: had no label.';
comment on column segmentation.segment_changes.from_segment_name is 'Its name before.';
comment on column segmentation.segment_changes.to_segment_id is 'The segment since; 0 for outliers, null: has no label.';
comment on column segmentation.segment_changes.to_segment_name is 'Its name on that date.';
comment on column segmentation.segment_changes.cause is 'behaviour: the customer changed. time: only time passed; not told apart yet. model: only the change of version moved the customer. joined: new in the source. left: gone from the source. source: rejected tonight, or back after a time without a label. correction: the date was run again or withdrawn, and what had been told was wrong. unknown: the former version could not be asked. Null but for change.';
comment on column segmentation.segment_changes.run_id is 'The run that holds since; null where none does.';

alter table segmentation.audit_log drop constraint audit_log_action_check;
alter table segmentation.audit_log add constraint audit_log_action_check check (action in (
    'name_segment', 'reset_segment_name', 'forget', 'drop_core_point', 'release_run', 'abandon_run', 'withdraw', 'rekey'
));
comment on column segmentation.audit_log.action is 'name_segment, reset_segment_name, forget (a customer), drop_core_point (of a DBSCAN version), release_run or abandon_run (a held night), withdraw (a published date of a model), or rekey (customers, who have other keys since).';

-- Models that have labels already begin here, as a first night does.
insert into segmentation.segment_changes (kind, model, as_of, run_id)
select distinct on (published.model) 'start', published.model, published.as_of, published.run_id
from segmentation.published_runs as published
where
    not exists (
        select
        from segmentation.model_retirements as retired
        where retired.model = published.model and retired.returned_on is null
    )
order by published.model, published.as_of desc;
