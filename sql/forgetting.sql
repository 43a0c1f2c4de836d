-- name: count_anywhere
-- Returns how many rows of a table have a match in any of their columns, each as its own text.
-- Names: table.
-- Parameters: pattern (a regular expression).
select count(*)
from {table} as held
where exists (select from jsonb_each_text(to_jsonb(held)) as cell where cell.value ~ :pattern);

-- name: count_key
-- Returns how many rows have a key.
-- Names: table, column, cast.
-- Parameters: customer_id.
select count(*) from {table} where {column}{cast} = :customer_id;

-- name: delete
-- Removes a customer's rows.
-- Names: table, column, cast.
-- Parameters: customer_id.
delete from {table} where {column}{cast} = :customer_id;

-- name: delete_merged
-- Removes what tells that a key was merged into a customer's.
-- Names: key_type.
-- Parameters: customer_id.
delete from segmentation.merged_customers where former_id = :customer_id::{key_type};

-- name: merged_keys
-- Returns the keys whose records were merged into a customer's, and into those.
-- Names: key_type.
-- Parameters: customer_id.
with recursive merged as (
    select former_id from segmentation.merged_customers where customer_id = :customer_id::{key_type}
    union
    select further.former_id
    from merged
    join segmentation.merged_customers as further on further.customer_id = merged.former_id
)

select former_id::text as former_id from merged where former_id <> :customer_id::{key_type} order by 1;

-- name: delete_written
-- Removes a customer's rows from a table where a key that is a whole number stands as a text, such as 1.00.
-- Names: table, column.
-- Parameters: customer_id.
delete from {table}
where
    case
        when {column} ~ '^-?[0-9]+([.][0-9]*)?$' then {column}::numeric = :customer_id::numeric
        else {column} = :customer_id
    end;

-- name: versions_of_algorithms
-- Returns the versions of some algorithms whose artifacts are there.
-- Parameters: algorithms.
select
    model_version_id, model, version, status, structure, metrics, clusters, artifact, artifact_sha256,
    artifact_pruned_at
from segmentation.model_versions
where algorithm = any(:algorithms) and artifact_pruned_at is null
order by model, version;

-- name: lock_labels
-- Keeps retention from detaching and dropping labels until the transaction ends: a delete through the parent would
-- leave out those that are detached, and what is listed has to be there.
do $do$
declare
    model_table regclass;
begin
    for model_table in
        select inhrelid from pg_inherits where inhparent = 'segmentation.customer_labels'::regclass order by inhrelid
    loop
        execute format('lock table only %s in share update exclusive mode', model_table);
    end loop;
end
$do$;

-- name: lock_runs
-- Keeps runs from being planned and published, and samples from being drawn, until the transaction ends.
lock table segmentation.scoring_runs in share row exclusive mode;

-- name: held
-- Returns the runs that wait for a decision, and that nobody decides on before the transaction ends.
select run_id from segmentation.scoring_runs where status = 'held' order by run_id for update skip locked;

-- name: held_runs
-- Returns how many runs wait for a decision.
select count(*) from segmentation.scoring_runs where status = 'held';

-- name: running
-- Returns the runs that are being scored.
select run_id, as_of from segmentation.scoring_runs where status = 'running' order by run_id;

-- name: in_statistics
-- Returns the tables of the schemas whose statistics for the planner show a key: as a common value, or as a bound of a
-- histogram. Where the column has another type of numbers, they are compared as numbers.
-- Parameters: customer_id, number (the key where it is one, or null), key (the contract's name of the key).
select distinct statistics.schemaname as schema, statistics.tablename as name
from pg_stats as statistics
join pg_namespace as namespace on namespace.nspname = statistics.schemaname
join pg_class as class on class.relnamespace = namespace.oid and class.relname = statistics.tablename
join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attname = statistics.attname
cross join unnest(
    coalesce(statistics.most_common_vals::text::text[], '{}')
    || coalesce(statistics.histogram_bounds::text::text[], '{}')
) as shown (key)
where
    statistics.schemaname ~ '^segmentation' and statistics.attname in ('customer_id', :key)
    and coalesce(
        case format_type(attribute.atttypid, null)
            when 'numeric' then shown.key::numeric = :number::numeric
            when 'double precision' then shown.key::double precision = :number::double precision
            when 'real' then shown.key::double precision = :number::double precision
        end,
        shown.key = :customer_id
    )
order by 1, 2;

-- name: set_artifact
-- Gives a version another artifact.
-- Parameters: model_version_id, artifact, artifact_sha256.
update segmentation.model_versions
set artifact = :artifact, artifact_sha256 = :artifact_sha256
where model_version_id = :model_version_id;

-- name: tables
-- Returns the tables of all schemas with their owners, the number of their columns, whether they are partitioned and,
-- where there is one, the column of the customers' keys and its type. Labels whose detaching was interrupted are tables
-- of their own here, since their parent leaves them out.
-- Parameters: key (the contract's name of the key).
select
    namespace.nspname as schema,
    class.relname as name,
    class.relkind = 'p' as is_partitioned,
    pg_get_userbyid(class.relowner)::text as owner,
    count(*) as columns,
    min(attribute.attname) filter (where attribute.attname in ('customer_id', :key)) as key,
    (array_agg(format_type(coalesce(nullif(type.typbasetype, 0), type.oid), null) order by attribute.attname)
        filter (where attribute.attname in ('customer_id', :key)))[1] as key_type
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_attribute as attribute
    on attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
join pg_type as type on type.oid = attribute.atttypid
where
    namespace.nspname in ('segmentation', 'segmentation_partitions', 'segmentation_staging')
    and class.relkind in ('r', 'p', 'm')
    and (
        not class.relispartition
        or exists (
            select from pg_inherits as inherits where inherits.inhrelid = class.oid and inherits.inhdetachpending
        )
    )
group by namespace.nspname, class.relname, class.relkind, class.relowner
order by namespace.nspname, class.relname;
