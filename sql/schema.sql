-- name: add_average
-- Adds a column to the table of segments.
-- Names: average.
alter table segmentation.segments add column {average} double precision;

-- name: columns
-- Returns the columns of a relation in order, with their comments; no row where there is no such relation.
-- Parameters: relation (schema and name).
select attribute.attname as name, col_description(attribute.attrelid, attribute.attnum) as comment
from pg_attribute as attribute
where attribute.attrelid = to_regclass(:relation) and attribute.attnum > 0 and not attribute.attisdropped
order by attribute.attnum;

-- name: comment_average
-- Sets the comment of an average of the table of segments.
-- Names: average.
-- Parameters: comment.
comment on column segmentation.segments.{average} is :comment;

-- name: comment_revision
-- Describes the table that Alembic keeps its revision in.
comment on table segmentation.alembic_version is 'The migration that the schema is at; kept by Alembic.';
comment on column segmentation.alembic_version.version_num is 'Number of the latest migration applied.';

-- name: contract_exists
-- Returns whether the schema has been migrated before.
select to_regclass('segmentation.contract') is not null;

-- name: create_schemas
-- Creates the schemas where they are missing; a user who may not create any needs no right where they are there.
do $$
begin
    if to_regnamespace('segmentation') is null then
        create schema segmentation;
        comment on schema segmentation is 'Who is in which segment, and what each segment looks like.';
    end if;
    if to_regnamespace('segmentation_partitions') is null then
        create schema segmentation_partitions;
        comment on schema segmentation_partitions is 'The partitions of tables in segmentation; read through those.';
    end if;
    if to_regnamespace('segmentation_staging') is null then
        create schema segmentation_staging;
        comment on schema segmentation_staging is 'Labels of runs that are still being scored; not for reading.';
    end if;
end
$$;

-- name: definitions
-- Returns the views and functions that were made from files and are there, with the hash of what they were made from.
select definition.kind, definition.name, definition.sha256
from segmentation.definitions as definition
where
    case definition.kind
        when 'view' then exists (
            select from pg_class
            where relnamespace = 'segmentation'::regnamespace and relname = definition.name and relkind = 'v'
        )
        else exists (
            select from pg_proc
            where pronamespace = 'segmentation'::regnamespace and proname = definition.name
        )
    end
order by definition.kind, definition.name;

-- name: drop_definition
-- Drops a view or function of the schema, if it is there and nothing stands on it.
-- Names: kind, name.
drop {kind} if exists segmentation.{name};

-- name: forget_definition
-- Forgets what a view or function was made from.
-- Parameters: kind, name.
delete from segmentation.definitions
where kind = :kind and name = :name;

-- name: grant
-- Gives somebody a right on a relation of the schema.
-- Names: privilege, relation, grantee, option.
grant {privilege} on segmentation.{relation} to {grantee} {option};

-- name: grant_roles
-- Creates the roles and their rights where they are missing; returns what the user may not do.
-- Parameters: schema, table.
select told from segmentation.grant_roles(:schema, :table) as told;

-- name: grants
-- Returns who besides its owner has which right on a relation, or on a column of it; no grantee stands for everybody.
-- Parameters: relation (schema and name).
select privilege.privilege_type as privilege, null as column_name, role.rolname as grantee, privilege.is_grantable
from pg_class as relation
cross join lateral aclexplode(relation.relacl) as privilege
left join pg_roles as role on role.oid = privilege.grantee
where relation.oid = to_regclass(:relation) and privilege.grantee <> relation.relowner
union all
select privilege.privilege_type, attribute.attname, role.rolname, privilege.is_grantable
from pg_class as relation
join pg_attribute as attribute on attribute.attrelid = relation.oid and not attribute.attisdropped
cross join lateral aclexplode(attribute.attacl) as privilege
left join pg_roles as role on role.oid = privilege.grantee
where relation.oid = to_regclass(:relation) and privilege.grantee <> relation.relowner
order by grantee, column_name, privilege;

-- name: holders
-- Returns the other sessions that hold locks on the schema's relations, the longest transaction first.
select
    activity.pid,
    activity.usename as login,
    activity.application_name as application,
    activity.xact_start as since
from pg_stat_activity as activity
where
    activity.pid <> pg_backend_pid() and activity.backend_type = 'client backend'
    and exists (
        select from pg_locks as held
        join pg_class as class on class.oid = held.relation
        where
            held.pid = activity.pid and held.granted
            and held.database = (select oid from pg_database where datname = current_database())
            and class.relnamespace = to_regnamespace('segmentation')
    )
order by activity.xact_start, activity.pid;

-- name: key_type
-- Returns the type of the key that the schema was made for.
select key_type from segmentation.contract;

-- name: limit_waiting
-- Lets the transaction wait for a lock no longer than this.
-- Parameters: seconds.
select set_config('lock_timeout', :seconds || 's', true);

-- name: lock
-- Waits until no other process migrates this database, and keeps others waiting until the transaction ends.
select pg_advisory_xact_lock(hashtext('clustering.migrate'));

-- name: record_definition
-- Keeps what a view or function was made from.
-- Parameters: kind, name, sha256.
insert into segmentation.definitions (kind, name, sha256)
values (:kind, :name, :sha256)
on conflict (kind, name) do update set sha256 = excluded.sha256;

-- name: revision
-- Returns the revision of the schema.
select version_num from segmentation.alembic_version;

-- name: revision_exists
-- Returns whether a revision has been recorded before.
select to_regclass('segmentation.alembic_version') is not null;

-- name: standing_on
-- Returns the views that stand on a relation, directly or on one another, those on top first.
-- Parameters: relation (schema and name).
with recursive standing as (
    select to_regclass(:relation)::oid as oid, 0 as height
    union
    select rewrite.ev_class, standing.height + 1
    from standing
    join pg_depend as dependency
        on dependency.refobjid = standing.oid and dependency.refclassid = 'pg_class'::regclass
        and dependency.classid = 'pg_rewrite'::regclass
    join pg_rewrite as rewrite on rewrite.oid = dependency.objid
    where rewrite.ev_class <> standing.oid
)
select class.relname as name
from standing
join pg_class as class on class.oid = standing.oid
where standing.height > 0 and class.relnamespace = 'segmentation'::regnamespace
group by class.relname
order by max(standing.height) desc, class.relname;
