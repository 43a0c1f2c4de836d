-- Moves a staging table to the published ones. Names: table.
alter table {table} set schema segmentation
