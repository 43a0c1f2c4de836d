-- name: relations
-- Returns the columns of what the role segmentation_reader may read, with their types and comments, relation by
-- relation; nothing where the role is not there.
select
    class.relname as relation, obj_description(class.oid, 'pg_class') as description,
    attribute.attname as name, format_type(attribute.atttypid, attribute.atttypmod) as data_type,
    col_description(class.oid, attribute.attnum) as column_description
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_attribute as attribute
    on attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
join pg_roles as reader on reader.rolname = 'segmentation_reader'
where
    namespace.nspname = 'segmentation' and class.relkind in ('r', 'p', 'v')
    and has_table_privilege(reader.oid, class.oid, 'select')
order by class.relname, attribute.attnum;
