-- Who was left out of an export whose customers the labels tell, as those on a suppression list are.

alter table segmentation.export_recipients add column is_left_out boolean not null default false;
comment on column segmentation.export_recipients.is_left_out is 'Whether the label set of the attempt has these customers and they were not sent, as those on a suppression list; such a row goes with the labels.';
comment on table segmentation.export_recipients is 'One row per some thousand customers of an audience and destination: who was sent, or may have been, where labels do not tell it (any more), and who was left out where they do. Forgetting a customer lists where they were sent, and takes them out.';
comment on column segmentation.exports.label_set is 'The label set that tells who was sent, or may have been, for as long as its labels are kept, but for whom export_recipients says that they were left out; null: export_recipients tells it, or nobody was sent.';
