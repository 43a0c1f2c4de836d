-- name: alike
-- Returns the tables and views of this name in other schemas or in another case, as schema.table, the first five.
-- Parameters: schema, table.
select namespace.nspname || '.' || class.relname as name
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
where
    lower(class.relname) = lower(:table) and (namespace.nspname, class.relname) <> (:schema, :table)
    and class.relkind in ('r', 'v', 'm', 'p', 'f')
    and namespace.nspname !~ '^(pg_|information_schema$|segmentation(_|$))'
order by name
limit 5;

-- name: bounds
-- Returns the keys that cut a table into parts of about equal size.
-- Names: table, key, portion (a sampling clause, or nothing).
-- Parameters: fractions.
select percentile_disc(:fractions::double precision[]) within group (order by {key})::text[] as bounds
from {table} {portion}
where {key} is not null;

-- name: columns
-- Returns a table's columns with the name of their base type, and whether we may read them; any enum is called enum.
-- Parameters: relation (the table's oid).
with recursive base as (
    select
        attribute.attname, attribute.attnum, attribute.atttypid as type_id,
        has_column_privilege(attribute.attrelid, attribute.attnum, 'select') as readable
    from pg_attribute as attribute
    where attribute.attrelid = :relation and attribute.attnum > 0 and not attribute.attisdropped
    union all
    select base.attname, base.attnum, type.typbasetype, base.readable
    from base join pg_type as type on type.oid = base.type_id
    where type.typtype = 'd'
)
select
    base.attname as name, case when type.typtype = 'e' then 'enum' else type.typname end as type, base.readable
from base
join pg_type as type on type.oid = base.type_id
where type.typtype <> 'd'
order by base.attnum;

-- name: copy
-- Returns the oid and the row estimate of a copy of the source.
-- Parameters: name.
select oid, reltuples::bigint as estimate
from pg_class
where oid = to_regclass('segmentation_staging.' || quote_ident(:name));

-- name: cost
-- Returns the plan of reading a range of keys, which says what the planner expects it to cost.
-- Names: columns, table, range.
explain (format json) select {columns} from {table} where {range};

-- name: count
-- Returns how many rows a table has.
-- Names: table.
select count(*) from {table};

-- name: duplicated_keys
-- Returns the keys of a range that stand in more than one row.
-- Names: key, cast, table, range.
select ({key}){cast} as key
from {table}
where ({range}) and {key} is not null
group by {key}
having count(*) > 1;

-- name: first_rows
-- Returns the rows with the smallest MD5 of the key's text, in UTF-8 and as bytes: those that a training draws first.
-- Names: columns, key, table, rows.
select {columns}
from {table}
where {key} is not null
order by md5(convert_to({key}::text, 'UTF8')) collate "C", {key}
limit {rows};

-- name: plan
-- Returns the plan of reading a source: how many rows the planner expects, and which tables it reads.
-- Names: table.
explain (format json, verbose) select * from {table};

-- name: hold_off_forgetting
-- Keeps customers from being forgotten until the transaction ends; copies are made side by side.
lock table segmentation.scoring_runs in row exclusive mode;

-- name: identities
-- Returns what the database calls tables, in their order; null for one that is not there. A partition counts as its
-- whole table, since partitions come and go.
-- Names: tables (an array of quoted names).
select
    array_agg(
        coalesce(pg_partition_root(to_regclass(listed.name)), to_regclass(listed.name))::oid::bigint
        order by listed.place
    ) as oids
from unnest({tables}::text[]) with ordinality as listed (name, place);

-- name: index_copy
-- Makes single customers and ranges of keys quick to find in a copy of the source, and proves where it can that each
-- key stands once; where one does not, its rows are rejected later on. Where a key is too long for it, the index is of
-- single customers alone.
-- Names: copy, key.
do $do$
begin
    begin
        create unique index on {copy} ({key});
    exception
        when unique_violation then create index on {copy} ({key});
    end;
exception
    when program_limit_exceeded then create index on {copy} using hash ({key});
end
$do$;

-- name: latest_copy
-- Returns the name of the copy of the source that the latest published date has left, if we may read it, and the date.
select class.relname as name, published.as_of
from segmentation.published_runs as published
join pg_class as class on class.oid = to_regclass(format('segmentation_staging.source_%s', published.run_id))
where has_table_privilege(class.oid, 'select')
order by published.as_of desc, published.run_id desc
limit 1;

-- name: make_copy
-- Copies the customers of a source.
-- Names: copy, columns, table.
create table {copy} as select {columns} from {table};

-- name: name_copy
-- Gives a copy the name of the run that reads it.
-- Names: copy, name.
alter table {copy} rename to {name};

-- name: query_columns
-- Returns no row, but columns, which are what is asked for.
-- Names: table.
select * from {table} where false;

-- name: readable
-- Returns no row, but an error where the columns of a table may not be read.
-- Names: columns, table.
select {columns} from {table} where false;

-- name: rows
-- Returns the contract's columns of a range of keys.
-- Names: columns, table, range.
select {columns} from {table} where {range};

-- name: table
-- Returns a table's oid, kind, row estimate (-1: unknown) and whether row-level security may hide rows of it from us.
-- Parameters: schema, table.
select
    class.oid,
    class.relkind as kind,
    case when class.relkind = 'p' then coalesce(
        (select sum(leaf.reltuples) from pg_partition_tree(class.oid) as tree
         join pg_class as leaf on leaf.oid = tree.relid where tree.isleaf), -1)
    else class.reltuples end::bigint as estimate,
    row_security_active(class.oid) as hides_rows,
    current_user as reader
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname = :schema and class.relname = :table and class.relkind in ('r', 'v', 'm', 'p', 'f');

-- name: type_names
-- Returns the names of types; any enum is called enum.
-- Parameters: types (an array of their oids).
select oid::bigint as oid, case when typtype = 'e' then 'enum' else typname end as name
from pg_type
where oid = any(:types::oid[]);

-- name: unique_key
-- Returns whether an index makes the column unique. Of tables that inherit from this one without being its partitions
-- it would say nothing.
-- Parameters: relation (the table's oid), column.
select exists (
    select
    from pg_index as index
    join pg_class as class on class.oid = index.indrelid
    join pg_attribute as attribute
        on attribute.attrelid = index.indrelid and attribute.attnum = index.indkey[0]
    where
        index.indrelid = :relation and attribute.attname = :column
        and index.indnkeyatts = 1 and index.indisunique and index.indisvalid and index.indisready
        and index.indimmediate and index.indpred is null and index.indexprs is null
        and (class.relkind = 'p' or not exists (select from pg_inherits where inhparent = class.oid))
);
