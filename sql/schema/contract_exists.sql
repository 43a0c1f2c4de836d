-- Returns whether the schema has been migrated before.
select to_regclass('segmentation.contract') is not null;
