-- What was sent to other systems, and who was among it.

create table segmentation.exports (
    export_id    bigint generated always as identity primary key,
    audience     text not null,
    destination  text not null,
    location     text not null,
    model        text not null,
    as_of        date not null,
    run_id       bigint not null,
    contents     text not null check (contents in ('all', 'changes')),
    status       text not null default 'started' check (status in ('started', 'failed', 'sent')),
    members      bigint,
    started_at   timestamptz not null default now(),
    sent_at      timestamptz,
    check ((status = 'sent') = (sent_at is not null))
);
create index on segmentation.exports (audience, destination, as_of);
comment on table segmentation.exports is 'One row per attempt to send an audience of a date to another system.';
comment on column segmentation.exports.export_id is 'Number of the attempt.';
comment on column segmentation.exports.audience is 'Name of the audience in exports.yaml.';
comment on column segmentation.exports.destination is 'The connection that it was sent to, by its id.';
comment on column segmentation.exports.location is 'The file, or the table.';
comment on column segmentation.exports.model is 'Name of the model.';
comment on column segmentation.exports.as_of is 'The business date of the labels.';
comment on column segmentation.exports.run_id is 'The run that held for the date then; another one may since.';
comment on column segmentation.exports.contents is 'all: everybody in the audience. changes: who came and left since the date that was sent before.';
comment on column segmentation.exports.status is 'started: not known to have ended, a process that is killed leaves it so. failed: an error ended it. sent: it was there as a whole.';
comment on column segmentation.exports.members is 'How many customers were sent; null while it is not known.';
comment on column segmentation.exports.started_at is 'When it began.';
comment on column segmentation.exports.sent_at is 'When it was there.';

create table segmentation.export_recipients (
    customer_id  {key_type} not null,
    audience     text not null,
    destination  text not null,
    first_as_of  date not null,
    member_from  date,
    member_to    date,
    primary key (customer_id, audience, destination)
);
-- The planner's statistics would keep keys of customers whose rows are gone.
alter table segmentation.export_recipients alter column customer_id set statistics 0;
comment on table segmentation.export_recipients is 'One row per customer, audience and destination: who was sent, or may have been, since a row is there before the file is. Forgetting a customer lists these rows, and removes them.';
comment on column segmentation.export_recipients.customer_id is 'The customer.';
comment on column segmentation.export_recipients.audience is 'Name of the audience.';
comment on column segmentation.export_recipients.destination is 'The connection that it was sent to, by its id.';
comment on column segmentation.export_recipients.first_as_of is 'The business date with which the customer was sent first.';
comment on column segmentation.export_recipients.member_from is 'Of an audience of changes: the date since which the destination was told that the customer is in it; null: was not told.';
comment on column segmentation.export_recipients.member_to is 'Of an audience of changes: the date on which the destination was told that the customer left; null: was not told.';

alter table segmentation.audit_log drop constraint audit_log_action_check;
alter table segmentation.audit_log add constraint audit_log_action_check check (action in (
    'name_segment', 'reset_segment_name', 'forget', 'drop_core_point', 'release_run', 'abandon_run', 'withdraw',
    'rekey', 'download', 'export'
));
comment on column segmentation.audit_log.action is 'name_segment, reset_segment_name, forget (a customer), drop_core_point (of a DBSCAN version), release_run or abandon_run (a held night), withdraw (a published date of a model), rekey (customers, who have other keys since), download (customers of a segment, by key), or export (an audience to another system).';
