-- name: analyze
-- Collects the statistics that a run is planned from.
-- Names: table.
analyze {table};

-- name: create_index
-- Makes a customer's rows found by the key, after the rows are there.
-- Names: table, key, method (btree, or hash, which takes texts of any length).
create index on {table} using {method} ({key});

-- name: create_schema
-- Makes the schema of the table.
-- Names: schema.
create schema {schema};

-- name: create_table
-- Makes the table.
-- Names: table, definitions (the columns' names and types).
create table {table} ({definitions});

-- name: drop_table
-- Drops the table, but nothing that depends on it.
-- Names: table.
drop table if exists {table};

-- name: grant_select
-- Lets somebody read the table.
-- Names: table, reader.
grant select on {table} to {reader};

-- name: grant_usage
-- Lets somebody look into the schema of the table.
-- Names: schema, reader.
grant usage on schema {schema} to {reader};

-- name: readers
-- Returns who may read the table that is replaced, and the role of the DAGs; null stands for everybody.
-- Parameters: schema, table.
select role.rolname as name
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
cross join lateral aclexplode(class.relacl) as privilege
left join pg_roles as role on role.oid = privilege.grantee
where
    namespace.nspname = :schema and class.relname = :table
    and privilege.privilege_type = 'SELECT' and privilege.grantee <> class.relowner
union
select rolname from pg_roles where rolname = 'segmentation_writer'
order by name;

-- name: schema_exists
-- Returns whether a schema exists.
-- Parameters: schema.
select exists (select from pg_namespace where nspname = :schema);

-- name: table_exists
-- Returns whether a table or view exists.
-- Parameters: schema, table.
select exists (
    select
    from pg_class as relation
    join pg_namespace as namespace on namespace.oid = relation.relnamespace
    where namespace.nspname = :schema and relation.relname = :table
);
