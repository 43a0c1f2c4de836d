-- Takes a run's labels out of the published ones without blocking readers. Names: parent, table.
alter table {parent} detach partition {table} concurrently
