-- Returns the names of types. Parameters: types, an array of their oids.
select oid::bigint as oid, typname as name from pg_type where oid = any(%(types)s::oid[])
