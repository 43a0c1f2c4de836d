-- Lets somebody look into the schema of the customers' table. Names: schema, reader.
grant usage on schema {schema} to {reader}
