-- The size of each segment over time.
-- Read by: segmentation_reader, segmentation_dashboard.

create or replace view segmentation.segment_trend as
with night as (
    select
        model,
        as_of,
        model_version_id,
        lag(as_of) over in_order as previous_as_of,
        lag(model_version_id) over in_order as previous_version_id
    from segmentation.published_runs
    window in_order as (partition by model order by as_of)
),
latest as (
    select distinct on (model, segment_id) model, segment_id, segment_name
    from segmentation.segments
    order by model, segment_id, as_of desc
),
by_source as (
    select
        as_of,
        model,
        coalesce(to_segment_id, from_segment_id) as segment_id,
        sum(case when to_segment_id is null then -by_source else by_source end)::bigint as change
    from segmentation.segment_migrations
    where by_source > 0
    group by as_of, model, coalesce(to_segment_id, from_segment_id)
)
select
    segment.as_of,
    segment.model,
    segment.segment_id,
    latest.segment_name,
    segment.segment_name as segment_name_then,
    segment.customers,
    segment.share,
    night.previous_as_of,
    case when night.previous_as_of is not null then coalesce(former.customers, 0) end as previous_customers,
    case when night.previous_as_of is not null then segment.customers - coalesce(former.customers, 0) end
        as customers_change,
    case when night.previous_as_of is not null then segment.share - coalesce(former.share, 0) end as share_change,
    segment.stability,
    segment.stability_band,
    segment.structure,
    version.version,
    coalesce(night.model_version_id <> night.previous_version_id, false) as is_other_version,
    segment.run_id,
    segment.model_version_id,
    case when exists (
        select from segmentation.segment_migrations as moved
        where moved.as_of = segment.as_of and moved.model = segment.model
    ) then coalesce(by_source.change, 0) end as change_by_source
from segmentation.segments as segment
join night on night.model = segment.model and night.as_of = segment.as_of
join latest on latest.model = segment.model and latest.segment_id = segment.segment_id
join segmentation.model_versions as version on version.model_version_id = segment.model_version_id
left join segmentation.segments as former
    on former.as_of = night.previous_as_of and former.model = segment.model
    and former.segment_id = segment.segment_id
left join by_source
    on by_source.as_of = segment.as_of and by_source.model = segment.model
    and by_source.segment_id = segment.segment_id;
comment on view segmentation.segment_trend is 'One row per date, model and segment: its size, and how that changed since the date published before.';
comment on column segmentation.segment_trend.as_of is 'The business date.';
comment on column segmentation.segment_trend.model is 'Name of the model.';
comment on column segmentation.segment_trend.segment_id is 'Number of the segment, stable across versions; 0 for outliers.';
comment on column segmentation.segment_trend.segment_name is 'Name of the segment at present, the same on every date, so that a renaming does not cut a line in two.';
comment on column segmentation.segment_trend.segment_name_then is 'Name of the segment on that date.';
comment on column segmentation.segment_trend.customers is 'Customers in the segment.';
comment on column segmentation.segment_trend.share is 'Share of the model''s labelled customers, 0 to 1.';
comment on column segmentation.segment_trend.previous_as_of is 'The date of this model that was published before; null for the first one, as the changes.';
comment on column segmentation.segment_trend.previous_customers is 'Customers in the segment on that date; 0 where it did not exist.';
comment on column segmentation.segment_trend.customers_change is 'customers less previous_customers.';
comment on column segmentation.segment_trend.share_change is 'share less the share on that date.';
comment on column segmentation.segment_trend.stability is 'Jaccard similarity of the segment with its like in bootstrapped trainings, mean, 0 to 1; null where it was not measured.';
comment on column segmentation.segment_trend.stability_band is 'How well it is found again in other samples (Hennig): highly stable from 0.85, valid from 0.75; pattern from 0.6: there is something, but who belongs to it is doubtful; do not trust below.';
comment on column segmentation.segment_trend.structure is 'structured: groups were found; none: the customers are a continuum, and the segments divide it.';
comment on column segmentation.segment_trend.version is 'Number of the version that labelled the customers.';
comment on column segmentation.segment_trend.is_other_version is 'True where another version labelled the date before: a change may be the model''s doing, see segment_migrations.';
comment on column segmentation.segment_trend.run_id is 'The run that made this row.';
comment on column segmentation.segment_trend.model_version_id is 'The version''s number among all models.';
comment on column segmentation.segment_trend.change_by_source is 'What the source did of customers_change: those who are labelled now and were not on that date, less those who were and are not any more. Null where movement was not counted.';
