-- Labels that stay as Parquet files: where they lie, and which files count.

alter table segmentation.run_models add column label_folder text;
comment on column segmentation.run_models.label_folder is 'The URI of the folder in which the labels lie as Parquet files; null: they are rows of customer_labels.';

create table segmentation.label_files (
    label_set  bigint not null references segmentation.run_models (label_set) on delete cascade,
    path       text not null,
    shard      integer not null,
    rows       bigint not null,
    bytes      bigint not null,
    primary key (label_set, path)
);
comment on table segmentation.label_files is 'One row per Parquet file with labels, where these stay files. What lies in the folder and is not listed here belongs to an attempt that came to nothing.';
comment on column segmentation.label_files.label_set is 'The label set, see run_models, which has the folder.';
comment on column segmentation.label_files.path is 'Name of the file in the folder.';
comment on column segmentation.label_files.shard is 'The shard whose customers it has.';
comment on column segmentation.label_files.rows is 'Labels in it.';
comment on column segmentation.label_files.bytes is 'Its size.';
