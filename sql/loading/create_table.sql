-- Makes the customers' table. Names: table, columns (names and types).
create table {table} ({columns})
