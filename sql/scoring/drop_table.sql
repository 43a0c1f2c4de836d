-- Drops a table. Names: table.
drop table {table}
