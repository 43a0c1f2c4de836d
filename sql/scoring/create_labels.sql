-- Makes the table of an attempt's labels by one version. Names: table, key_type.
create table {table} (
    customer_id    {key_type} not null,
    cluster_label  integer not null,
    segment_id     integer not null,
    confidence     real not null
)
