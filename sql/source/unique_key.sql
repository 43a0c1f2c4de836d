-- Returns whether an index makes the column unique. Parameters: relation, the table's oid; column.
select exists (
    select
    from pg_index as index
    join pg_attribute as attribute
        on attribute.attrelid = index.indrelid and attribute.attnum = index.indkey[0]
    where
        index.indrelid = %(relation)s and attribute.attname = %(column)s
        and index.indnkeyatts = 1 and index.indisunique and index.indisvalid and index.indisready
        and index.indimmediate and index.indpred is null and index.indexprs is null
)
