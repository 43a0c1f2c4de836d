-- Whether the current segments can be relied on.
-- Read by: segmentation_reader.

create or replace view segmentation.segment_health as
with alarm as (
    select model, as_of, run_id, count(*) filter (where alarm) as alarms, count(*) as checks
    from segmentation.drift_checks
    group by model, as_of, run_id
),
finding as (
    select run_id, model, string_agg(
        -- The reason names a file of the store.
        case check_name
            when 'drift_unchecked' then format('%s was not checked for drift', subject) else description
        end,
        '; ' order by finding, check_name, subject
    ) as words
    from segmentation.night_checks
    where finding is not null
    group by run_id, model
),
figure as (
    select
        current.as_of,
        current.model,
        segment.segment_id,
        segment.segment_name,
        segment.customers,
        segment.share,
        segment.stability,
        segment.stability_band,
        segment.structure,
        version.version,
        version.trained_at,
        coalesce(alarm.checks, 0) as drift_checks,
        coalesce(alarm.alarms, 0) as drift_alarms,
        run.rows_read,
        run.rows_rejected::double precision / nullif(run.rows_read, 0) as rejected_share,
        run.source_time,
        nullif(concat_ws('; ', of_source.words, of_model.words), '') as findings,
        current.published_at,
        -- In UTC, whatever the session's time zone: a night of today is never one of tomorrow.
        (now() at time zone 'UTC')::date - current.as_of as age_days,
        current.run_id,
        current.model_version_id
    from segmentation.current_models as current
    join segmentation.segments as segment on segment.as_of = current.as_of and segment.model = current.model
    join segmentation.scoring_runs as run on run.run_id = current.run_id
    join segmentation.model_versions as version on version.model_version_id = current.model_version_id
    left join alarm
        on alarm.model = current.model and alarm.as_of = current.as_of and alarm.run_id = current.run_id
    left join finding as of_source on of_source.run_id = current.run_id and of_source.model is null
    left join finding as of_model on of_model.run_id = current.run_id and of_model.model = current.model
),
told as (
    select
        figure.*,
        concat_ws(
            '; ',
            case when figure.stability_band = 'do not trust' then 'other samples do not show this segment' end,
            case when figure.stability_band = 'pattern' then 'other samples show this segment only roughly' end,
            case when figure.structure = 'none' then 'the customers form no groups, the segments divide them' end,
            case when figure.drift_alarms > 0 then
                format('drift: %s of %s checks', figure.drift_alarms, figure.drift_checks) end,
            case when figure.share < 0.01 then 'it holds less than 1 % of the customers' end,
            case when figure.rejected_share > 0.05 then
                format('%s %% of the rows were rejected', round((100 * figure.rejected_share)::numeric)) end,
            figure.findings,
            case when figure.source_time = 'substituted' then 'made from the rows of a later day' end,
            case when figure.age_days > 2 then format('%s days old', figure.age_days) end,
            case when figure.age_days < 0 then format('dated %s days ahead', -figure.age_days) end
        ) as reasons
    from figure
)
select
    as_of,
    model,
    segment_id,
    segment_name,
    case
        when stability_band = 'do not trust' then 'no'
        when reasons <> '' then 'with care'
        else 'yes'
    end as trust,
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
comment on column segmentation.segment_health.stability_band is 'What that means: highly stable, valid, pattern or do not trust.';
comment on column segmentation.segment_health.structure is 'structured: groups were found; none: the customers are a continuum, and the segments divide it.';
comment on column segmentation.segment_health.drift_alarms is 'Drift checks of the model on this date that raised an alarm.';
comment on column segmentation.segment_health.drift_checks is 'Drift checks of the model on this date; 0: none was made.';
comment on column segmentation.segment_health.rejected_share is 'Share of the source''s rows that could not be labelled, 0 to 1.';
comment on column segmentation.segment_health.rows_read is 'Rows read from the source.';
comment on column segmentation.segment_health.source_time is 'present: from the rows of the day; dated: from the dated source; substituted: from the rows of a later day.';
comment on column segmentation.segment_health.age_days is 'Days since the business date, in UTC; below 0: the date is still to come, and the nights until then are not shown.';
comment on column segmentation.segment_health.published_at is 'When it was published.';
comment on column segmentation.segment_health.version is 'Number of the version that labelled the customers.';
comment on column segmentation.segment_health.trained_at is 'When the version was trained.';
comment on column segmentation.segment_health.run_id is 'The run that made this row.';
comment on column segmentation.segment_health.model_version_id is 'The version''s number among all models.';
