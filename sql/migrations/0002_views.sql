-- Views for people. Each resolves the current run of a model through published_runs.

create view segmentation.current_models as
select distinct on (model) model, as_of, run_id, model_version_id, published_at
from segmentation.published_runs
order by model, as_of desc;
comment on view segmentation.current_models is 'The run that is current for each model: that of its latest date.';
comment on column segmentation.current_models.model is 'Name of the model.';
comment on column segmentation.current_models.as_of is 'The latest business date published.';
comment on column segmentation.current_models.run_id is 'The run that made it.';
comment on column segmentation.current_models.model_version_id is 'The version that labelled it.';
comment on column segmentation.current_models.published_at is 'When it was published.';

create view segmentation.current_run_ids as
select coalesce(array_agg(distinct run_id), '{}') as run_ids
from segmentation.current_models;
comment on view segmentation.current_run_ids is 'The different runs that are current for some model, in one array.';
comment on column segmentation.current_run_ids.run_ids is 'Up to sixteen run ids: one model a run at the most.';

-- A scalar subquery a place lets the executor prune all partitions but those of the current runs; a join on the
-- pointer would scan every run, and pruning does not look into an array. Sixteen is the most models there can be.
create view segmentation.current_customer_segments as
select
    current.as_of,
    current.model,
    label.customer_id,
    label.cluster_label,
    label.segment_id,
    segment.segment_name,
    label.confidence,
    label.run_id,
    label.model_version_id
from segmentation.customer_labels as label
join segmentation.current_models as current
    on current.run_id = label.run_id and current.model_version_id = label.model_version_id
join segmentation.segments as segment
    on segment.as_of = current.as_of and segment.model = current.model and segment.segment_id = label.segment_id
where
    label.run_id = (select run_ids[1] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[2] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[3] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[4] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[5] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[6] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[7] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[8] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[9] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[10] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[11] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[12] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[13] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[14] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[15] from segmentation.current_run_ids)
    or label.run_id = (select run_ids[16] from segmentation.current_run_ids);
comment on view segmentation.current_customer_segments is 'One row per model and customer: the segment that the customer is in now.';
comment on column segmentation.current_customer_segments.as_of is 'The business date.';
comment on column segmentation.current_customer_segments.model is 'Name of the model.';
comment on column segmentation.current_customer_segments.customer_id is 'The customer.';
comment on column segmentation.current_customer_segments.cluster_label is 'The version''s own number for the cluster, -1 for noise.';
comment on column segmentation.current_customer_segments.segment_id is 'The segment, stable across versions; 0 for outliers.';
comment on column segmentation.current_customer_segments.segment_name is 'Name of the segment.';
comment on column segmentation.current_customer_segments.confidence is 'How clearly the customer belongs there, 0 to 1.';
comment on column segmentation.current_customer_segments.run_id is 'The run that made the label.';
comment on column segmentation.current_customer_segments.model_version_id is 'The version that gave it.';
