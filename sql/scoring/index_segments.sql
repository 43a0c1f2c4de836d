-- Makes the members of one segment quick to find; they lie side by side in each batch that was written. Names: table.
create index on {table} using brin (segment_id) with (pages_per_range = 16)
