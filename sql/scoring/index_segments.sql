-- Makes the members of one segment quick to find. Names: table.
create index on {table} (segment_id)
