-- name: columns
-- Returns the columns of tables and views with their types and comments, relation by relation, each with its schema,
-- its kind (r: table, p: partitioned table, v: view, m: materialised view, f: foreign table) and its comment.
-- Parameters: relations (an array of their oids).
select
    namespace.nspname as schema, class.relname as relation, class.relkind as kind,
    obj_description(class.oid, 'pg_class') as description,
    attribute.attname as name, format_type(attribute.atttypid, attribute.atttypmod) as data_type,
    col_description(class.oid, attribute.attnum) as column_description
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_attribute as attribute
    on attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
where class.oid = any(:relations::oid[])
order by namespace.nspname, class.relname, attribute.attnum;

-- name: named
-- Returns the oids of tables and views of these names as an array; the whole table of a partition.
-- Parameters: schemas, tables (arrays of the same length).
select coalesce(array_agg(distinct coalesce(pg_partition_root(class.oid), class.oid)::bigint), '{}') as relations
from unnest(:schemas::text[], :tables::text[]) as named (schema, name)
join pg_namespace as namespace on namespace.nspname = named.schema
join pg_class as class on class.relnamespace = namespace.oid and class.relname = named.name;

-- name: readable
-- Returns the oids of the tables and views that the role segmentation_reader may read as an array, and of others by
-- their names; nothing where the role is not there.
-- Parameters: others.
select coalesce(array_agg(class.oid::bigint), '{}') as relations
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_roles as reader on reader.rolname = 'segmentation_reader'
where
    namespace.nspname = 'segmentation' and class.relkind in ('r', 'p', 'v')
    and (has_table_privilege(reader.oid, class.oid, 'select') or class.relname = any(:others::text[]));
