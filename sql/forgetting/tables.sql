-- Returns the tables of both schemas with the number of their columns, whether they are partitioned and, where there is one,
-- the column of the customers' keys and whether that has their type. Labels whose detaching was interrupted are tables of
-- their own here, since their parent leaves them out. Parameters: key (the contract's name of the key), key_type.
select
    namespace.nspname as schema,
    class.relname as name,
    class.relkind = 'p' as is_partitioned,
    count(*) as columns,
    min(attribute.attname) filter (where attribute.attname in ('customer_id', %(key)s)) as key,
    coalesce(
        bool_and(format_type(attribute.atttypid, null) = %(key_type)s)
        filter (where attribute.attname in ('customer_id', %(key)s)), false
    ) as is_typed
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_attribute as attribute
    on attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
where
    namespace.nspname in ('segmentation', 'segmentation_staging') and class.relkind in ('r', 'p', 'm')
    and (
        not class.relispartition
        or exists (
            select from pg_inherits as inherits where inherits.inhrelid = class.oid and inherits.inhdetachpending
        )
    )
group by namespace.nspname, class.relname, class.relkind
order by namespace.nspname, class.relname
