-- Adds the column {average} to the table of segments.
alter table segmentation.segments add column {average} double precision;
