-- Makes a run's labels table, to be filled with its models' tables. Names: table.
create table {table} (like segmentation.customer_labels) partition by list (model_version_id)
