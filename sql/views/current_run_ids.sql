-- What leaves the partitions of other runs out of current_customer_segments.
-- Read by: segmentation_writer.

create or replace view segmentation.current_run_ids as
select coalesce(array_agg(distinct run_id), '{}') as run_ids
from segmentation.current_models;
comment on view segmentation.current_run_ids is 'The different runs that are current for some model, in one array.';
comment on column segmentation.current_run_ids.run_ids is 'Up to sixteen run ids: one model a run at the most.';
