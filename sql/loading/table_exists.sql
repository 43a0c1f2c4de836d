-- Returns whether a table or view exists. Parameters: schema, table.
select exists (
    select
    from pg_class as relation
    join pg_namespace as namespace on namespace.oid = relation.relnamespace
    where namespace.nspname = %(schema)s and relation.relname = %(table)s
)
