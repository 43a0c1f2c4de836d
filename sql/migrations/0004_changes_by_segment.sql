-- Who came into a segment and who left it, found without reading the others; and downloads in the audit log.

create index on segmentation.segment_changes (model, to_segment_id, as_of, change_id) where kind = 'change';
create index on segmentation.segment_changes (model, from_segment_id, as_of, change_id) where kind = 'change';
create index on segmentation.segment_changes (model, as_of) where kind = 'start';

alter table segmentation.audit_log drop constraint audit_log_action_check;
alter table segmentation.audit_log add constraint audit_log_action_check check (action in (
    'name_segment', 'reset_segment_name', 'forget', 'drop_core_point', 'release_run', 'abandon_run', 'withdraw',
    'rekey', 'download'
));
comment on column segmentation.audit_log.action is 'name_segment, reset_segment_name, forget (a customer), drop_core_point (of a DBSCAN version), release_run or abandon_run (a held night), withdraw (a published date of a model), rekey (customers, who have other keys since), or download (customers of a segment, by key).';
