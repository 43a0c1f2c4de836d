-- The files in which current labels lie, where these stay Parquet.
-- Read by: segmentation_reader, segmentation_dashboard.

create or replace view segmentation.current_label_files as
select
    current.model,
    current.as_of,
    current.run_id,
    current.model_version_id,
    concat(made.label_folder, '/', file.path) as uri,
    file.rows
from segmentation.current_models as current
join segmentation.run_models as made on made.run_id = current.run_id and made.model = current.model
join segmentation.label_files as file on file.label_set = made.label_set;
comment on view segmentation.current_label_files is 'One row per Parquet file with current labels, where these stay files (labels: files). Read these files and no others of their folder; a file is gone when retention or forgetting has been there since.';
comment on column segmentation.current_label_files.model is 'Name of the model.';
comment on column segmentation.current_label_files.as_of is 'The business date.';
comment on column segmentation.current_label_files.run_id is 'The run that made the labels.';
comment on column segmentation.current_label_files.model_version_id is 'The version that gave them.';
comment on column segmentation.current_label_files.uri is 'The file: customer_id, cluster_label, segment_id and confidence.';
comment on column segmentation.current_label_files.rows is 'Labels in it.';
