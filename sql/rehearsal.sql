-- name: may_write
-- Returns who we are, whether the schema is migrated, and whether we may write what a night writes.
select
    current_user as login,
    count(*) > 0 as is_migrated,
    coalesce(bool_and(
        has_schema_privilege(namespace.oid, 'usage') and has_table_privilege(class.oid, 'insert')
    ), false) as may_write
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname = 'segmentation' and class.relname in ('scoring_runs', 'segments');
