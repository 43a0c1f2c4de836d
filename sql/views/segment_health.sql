-- Whether the current segments can be relied on.
-- Read by: segmentation_reader, segmentation_dashboard.

create or replace view segmentation.segment_health as
with figure as (
    select
        dated.*,
        current.published_at,
        -- In UTC, whatever the session's time zone, and 0 for a date that has begun somewhere east of it.
        case
            when
                current.as_of between (now() at time zone 'UTC')::date
                and (now() at time zone 'UTC' + interval '14 hours')::date
            then 0
            else (now() at time zone 'UTC')::date - current.as_of
        end as age_days
    from segmentation.current_models as current
    join segmentation.dated_segment_health as dated on dated.as_of = current.as_of and dated.model = current.model
),
told as (
    select
        figure.*,
        concat_ws(
            '; ',
            figure.own_reasons,
            figure.night_reasons,
            case when figure.age_days > 2 then format('%s days old', figure.age_days) end,
            case
                when figure.age_days < 0
                then format('dated %s day%s ahead', -figure.age_days, case when figure.age_days < -1 then 's' end)
            end
        ) as reasons
    from figure
)
select
    as_of,
    model,
    segment_id,
    segment_name,
    case when trust = 'yes' and reasons <> '' then 'with care' else trust end as trust,
    nullif(reasons, '') as reasons,
    customers,
    share,
    stability,
    stability_band,
    structure,
    drift_alarms,
    drift_checks,
    rejected_share,
    rows_read,
    source_time,
    age_days,
    published_at,
    version,
    trained_at,
    run_id,
    model_version_id
from told;
comment on view segmentation.segment_health is 'One row per model and segment as of the latest date: whether it can be relied on tonight, and what speaks against it.';
comment on column segmentation.segment_health.as_of is 'The business date.';
comment on column segmentation.segment_health.model is 'Name of the model.';
comment on column segmentation.segment_health.segment_id is 'Number of the segment, stable across versions; 0 for outliers.';
comment on column segmentation.segment_health.segment_name is 'Name of the segment.';
comment on column segmentation.segment_health.trust is 'yes: nothing speaks against it; with care: see reasons; no: the segment itself is not stable.';
comment on column segmentation.segment_health.reasons is 'What speaks against it, in words; null for nothing.';
comment on column segmentation.segment_health.customers is 'Customers in the segment.';
comment on column segmentation.segment_health.share is 'Share of the model''s labelled customers, 0 to 1.';
comment on column segmentation.segment_health.stability is 'Jaccard similarity of the segment with its like in bootstrapped trainings, mean, 0 to 1; null where it was not measured.';
comment on column segmentation.segment_health.stability_band is 'How well it is found again in other samples (Hennig): highly stable from 0.85, valid from 0.75; pattern from 0.6: there is something, but who belongs to it is doubtful; do not trust below.';
comment on column segmentation.segment_health.structure is 'structured: groups were found; none: the customers are a continuum, and the segments divide it.';
comment on column segmentation.segment_health.drift_alarms is 'Drift checks of the model on this date that raised an alarm.';
comment on column segmentation.segment_health.drift_checks is 'Drift checks of the model on this date; 0: none was made.';
comment on column segmentation.segment_health.rejected_share is 'Share of the source''s rows that could not be labelled, 0 to 1.';
comment on column segmentation.segment_health.rows_read is 'Rows read from the source.';
comment on column segmentation.segment_health.source_time is 'present: from the rows of the day; dated: from the dated source; substituted: from the rows of a later day.';
comment on column segmentation.segment_health.age_days is 'Days since the business date, in UTC; 0 as well where it has begun east of that; below 0: the date is still to come everywhere, and the nights until then are not shown.';
comment on column segmentation.segment_health.published_at is 'When it was published.';
comment on column segmentation.segment_health.version is 'Number of the version that labelled the customers.';
comment on column segmentation.segment_health.trained_at is 'When the version was trained.';
comment on column segmentation.segment_health.run_id is 'The run that made this row.';
comment on column segmentation.segment_health.model_version_id is 'The version''s number among all models.';
