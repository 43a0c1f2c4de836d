-- Lets somebody read the customers' table. Names: table, reader.
grant select on {table} to {reader}
