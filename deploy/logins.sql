-- Makes the warehouse's two logins, or gives those that are there their passwords: WRITER, for Airflow's connection, and
-- READER, for BI tools. For psql, as a role that may create roles, after `clustering migrate`. Everything comes from the
-- environment: WRITER, WRITER_PASSWORD, READER, READER_PASSWORD and SOURCE_SCHEMA, that of the customers.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set search_path = pg_catalog, pg_temp;
\getenv writer WRITER
\getenv writer_password WRITER_PASSWORD
\getenv reader READER
\getenv reader_password READER_PASSWORD
\getenv source SOURCE_SCHEMA

select format('create role %I', name)
from unnest(array[:'writer', :'reader']) as name
where not exists (select from pg_roles where rolname = name)
\gexec
alter role :"writer" login password :'writer_password';
alter role :"reader" login password :'reader_password';
grant segmentation_writer to :"writer";
grant segmentation_reader to :"reader";
-- What one of the writer's logins has staged, another may publish and drop.
alter role :"writer" set role = 'segmentation_writer';

-- The table of customers, whenever this role makes it anew; `clustering migrate` grants the one that is there.
select format('grant usage on schema %I to segmentation_writer', nspname),
    format('alter default privileges in schema %I grant select on tables to segmentation_writer', nspname)
from pg_namespace
where nspname = :'source'
\gexec
