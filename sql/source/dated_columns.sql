-- Returns no row, but columns, which are what is asked for. Names: table.
select * from {table} limit 0
