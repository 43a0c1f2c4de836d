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

-- name: comment_column
-- Sets the comment of a column of a relation of the schema.
-- Names: relation, column.
-- Parameters: comment.
comment on column segmentation.{relation}.{column} is :comment;

-- name: comment_revision
-- Describes the table that Alembic keeps its revision in.
comment on table segmentation.alembic_version is 'The migration that the schema is at; kept by Alembic.';
comment on column segmentation.alembic_version.version_num is 'Number of the latest migration applied.';

-- name: contract_exists
-- Returns whether the schema has been migrated before.
select to_regclass('segmentation.contract') is not null;

-- name: create_current_segments
-- Creates the view of the current segments.
-- Names: columns.
create view segmentation.current_segments as
select {columns}
from segmentation.segments as segment
join segmentation.current_models as current on current.as_of = segment.as_of and current.model = segment.model;
comment on view segmentation.current_segments is
'One row per model and segment, as of the latest date: the segments as they are now.';

-- name: create_schemas
-- Creates the two schemas where they are missing; a user who may not create any needs no right where they are there.
do $$
begin
    if to_regnamespace('segmentation') is null then
        create schema segmentation;
        comment on schema segmentation is 'Who is in which segment, and what each segment looks like.';
    end if;
    if to_regnamespace('segmentation_staging') is null then
        create schema segmentation_staging;
        comment on schema segmentation_staging is 'Labels of runs that are still being scored; not for reading.';
    end if;
end
$$;

-- name: drop_current_segments
-- Drops the view of the current segments, if it is there.
drop view if exists segmentation.current_segments;

-- name: grant_roles
-- Creates the roles and their rights where they are missing; returns what the user may not do.
-- Parameters: schema, table.
select told from segmentation.grant_roles(:schema, :table) as told;

-- name: grant_select
-- Lets somebody read a relation of the schema.
-- Names: relation, reader.
grant select on segmentation.{relation} to {reader};

-- name: key_type
-- Returns the type of the key that the schema was made for.
select key_type from segmentation.contract;

-- name: lock
-- Waits until no other process migrates this database, and keeps others waiting until the transaction ends.
select pg_advisory_xact_lock(hashtext('clustering.migrate'));

-- name: readers
-- Returns who was granted select on a relation besides its owner; null stands for everybody.
-- Parameters: relation (schema and name).
select role.rolname as name
from pg_class as relation
cross join lateral aclexplode(relation.relacl) as privilege
left join pg_roles as role on role.oid = privilege.grantee
where
    relation.oid = to_regclass(:relation)
    and privilege.privilege_type = 'SELECT'
    and privilege.grantee <> relation.relowner
order by role.rolname;

-- name: revision
-- Returns the revision of the schema.
select version_num from segmentation.alembic_version;

-- name: revision_exists
-- Returns whether a revision has been recorded before.
select to_regclass('segmentation.alembic_version') is not null;

-- name: set_default_model
-- Passes the default model on to the views.
-- Parameters: default_model.
update segmentation.contract
set default_model = :default_model
where default_model is distinct from :default_model;
