-- Makes the schema of the customers' table. Names: schema.
create schema {schema}
