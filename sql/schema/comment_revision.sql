-- Describes the table that Alembic keeps its revision in.
comment on table segmentation.alembic_version is 'The migration that the schema is at; kept by Alembic.';
comment on column segmentation.alembic_version.version_num is 'Number of the latest migration applied.';
