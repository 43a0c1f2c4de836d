-- Returns the revision of the schema.
select version_num from segmentation.alembic_version;
