-- Drops the customers' table, but nothing that depends on it. Names: table.
drop table if exists {table}
