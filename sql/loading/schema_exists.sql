-- Returns whether a schema exists. Parameters: schema.
select exists (select from pg_namespace where nspname = %(schema)s)
