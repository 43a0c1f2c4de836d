-- Returns a table's oid, kind, row estimate (-1: unknown) and whether we may read it. Parameters: schema, table.
select
    class.oid,
    class.relkind as kind,
    case when class.relkind = 'p' then coalesce(
        (select sum(leaf.reltuples) from pg_partition_tree(class.oid) as tree
         join pg_class as leaf on leaf.oid = tree.relid where tree.isleaf), -1)
    else class.reltuples end::bigint as estimate,
    has_table_privilege(class.oid, 'select') as readable,
    current_user as reader
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname = %(schema)s and class.relname = %(table)s and class.relkind in ('r', 'v', 'm', 'p', 'f')
