-- Movements between segments by name, as diagrams of flows take them.
-- Read by: segmentation_reader, segmentation_dashboard.

create or replace view segmentation.segment_flows as
select
    flow.as_of,
    flow.previous_as_of,
    flow.model,
    case
        when flow.from_segment_id is null then 'Not labelled before'
        else coalesce(former.segment_name, format('Segment %s', flow.from_segment_id)) || ' (before)'
    end as source,
    case
        when flow.to_segment_id is null then 'Not labelled any more'
        else coalesce(latter.segment_name, format('Segment %s', flow.to_segment_id)) || ' (now)'
    end as target,
    flow.customers,
    coalesce(flow.from_segment_id <> flow.to_segment_id, true) as has_moved,
    flow.from_segment_id,
    former.segment_name as from_segment_name,
    flow.to_segment_id,
    latter.segment_name as to_segment_name,
    flow.by_behaviour,
    flow.by_model,
    flow.by_source,
    flow.by_time
from segmentation.segment_migrations as flow
left join segmentation.segments as former
    on former.as_of = flow.previous_as_of and former.model = flow.model and former.segment_id = flow.from_segment_id
left join segmentation.segments as latter
    on latter.as_of = flow.as_of and latter.model = flow.model and latter.segment_id = flow.to_segment_id;
comment on view segmentation.segment_flows is 'segment_migrations with names, for Sankey diagrams: no source is a target, so that nothing flows in a circle. One row per date, model, former and present segment.';
comment on column segmentation.segment_flows.as_of is 'The business date.';
comment on column segmentation.segment_flows.previous_as_of is 'The published date of the model before it, with which it is compared.';
comment on column segmentation.segment_flows.model is 'Name of the model. Models have names of segments in common: show one at a time.';
comment on column segmentation.segment_flows.source is 'The segment on previous_as_of, by its name then and "(before)"; Not labelled before.';
comment on column segmentation.segment_flows.target is 'The segment on as_of, by its name then and "(now)"; Not labelled any more.';
comment on column segmentation.segment_flows.customers is 'Customers, exactly.';
comment on column segmentation.segment_flows.has_moved is 'False for those who stayed where they were.';
comment on column segmentation.segment_flows.from_segment_id is 'The segment on previous_as_of; null: was not labelled then.';
comment on column segmentation.segment_flows.from_segment_name is 'Its name on that date.';
comment on column segmentation.segment_flows.to_segment_id is 'The segment on as_of; null: is not labelled any more.';
comment on column segmentation.segment_flows.to_segment_name is 'Its name on that date.';
comment on column segmentation.segment_flows.by_behaviour is 'Those of them whose own change moved them, or time where by_time is null; null where the former version could not be asked.';
comment on column segmentation.segment_flows.by_model is 'Those whom only the change of version moved; null where by_behaviour is.';
comment on column segmentation.segment_flows.by_source is 'Those who are labelled on one of the two dates alone.';
comment on column segmentation.segment_flows.by_time is 'Those whom only the passing of time moved; null, which counts as 0, where it is not told apart.';
