-- Returns whether a revision has been recorded before.
select to_regclass('segmentation.alembic_version') is not null;
