-- Returns how many rows a table has. Names: table.
select count(*) from {table}
