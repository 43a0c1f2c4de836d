-- Makes a table a partition of another; its checks and columns are ready, so nothing is scanned. Names: parent, table, value.
alter table {parent} attach partition {table} for values in ({value})
