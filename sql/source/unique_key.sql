-- Returns whether an index makes the column unique. Parameters: relation, the table's oid; column.
-- Of tables that inherit from this one without being its partitions it would say nothing.
select exists (
    select
    from pg_index as index
    join pg_class as class on class.oid = index.indrelid
    join pg_attribute as attribute
        on attribute.attrelid = index.indrelid and attribute.attnum = index.indkey[0]
    where
        index.indrelid = %(relation)s and attribute.attname = %(column)s
        and index.indnkeyatts = 1 and index.indisunique and index.indisvalid and index.indisready
        and index.indimmediate and index.indpred is null and index.indexprs is null
        and (class.relkind = 'p' or not exists (select from pg_inherits where inhparent = class.oid))
)
