-- Makes the table of a run's labels by one version, to be filled with its shards' tables. Names: table.
create table {table} (like segmentation.customer_labels) partition by list (shard)
