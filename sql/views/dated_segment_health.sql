-- Whether the segments of any published date can be relied on, whatever day it is.
-- Read by: segmentation_writer.

create or replace view segmentation.dated_segment_health as
with figure as (
    select
        night.as_of,
        night.model,
        segment.segment_id,
        segment.segment_name,
        segment.customers,
        segment.share,
        segment.stability,
        segment.stability_band,
        segment.structure,
        version.version,
        version.trained_at,
        drift.checks as drift_checks,
        drift.alarms as drift_alarms,
        run.rows_read,
        run.rows_rejected::double precision / nullif(run.rows_read, 0) as rejected_share,
        run.source_time,
        found.own_words,
        found.night_words,
        night.run_id,
        night.model_version_id
    from segmentation.published_runs as night
    join segmentation.segments as segment on segment.as_of = night.as_of and segment.model = night.model
    join segmentation.scoring_runs as run on run.run_id = night.run_id
    join segmentation.model_versions as version on version.model_version_id = night.model_version_id
    cross join lateral (
        select count(*) as checks, count(*) filter (where checked.alarm) as alarms
        from segmentation.drift_checks as checked
        where checked.as_of = night.as_of and checked.model = night.model and checked.run_id = night.run_id
    ) as drift
    cross join lateral (
        select
            string_agg(one.words, '; ' order by one.place) filter (where one.is_own) as own_words,
            string_agg(one.words, '; ' order by one.place) filter (where not one.is_own) as night_words
        from (
            select
                -- The reason names a file of the store.
                case finding.check_name
                    when 'drift_unchecked' then format('%s was not checked for drift', finding.subject)
                    else finding.description
                end as words,
                finding.check_name = 'segment' as is_own,
                row_number() over (
                    order by finding.model nulls first, finding.finding, finding.check_name, finding.subject
                ) as place
            from segmentation.night_checks as finding
            where
                finding.run_id = night.run_id
                and finding.finding is not null
                and (finding.model is null or finding.model = night.model)
                and (finding.check_name <> 'segment' or finding.subject = segment.segment_id::text)
        ) as one
    ) as found
),
told as (
    select
        figure.*,
        concat_ws(
            '; ',
            case when figure.stability_band = 'do not trust' then 'other samples do not show this segment' end,
            case when figure.stability_band = 'pattern' then 'other samples show this segment only roughly' end,
            case when figure.share < 0.01 then 'it holds less than 1 % of the customers' end,
            figure.own_words
        ) as own_reasons,
        concat_ws(
            '; ',
            case when figure.structure = 'none' then 'the customers form no groups, the segments divide them' end,
            case when figure.drift_alarms > 0 then
                format('drift: %s of %s checks', figure.drift_alarms, figure.drift_checks) end,
            case when figure.rejected_share > 0.05 then
                format('%s %% of the rows were rejected', round((100 * figure.rejected_share)::numeric)) end,
            figure.night_words,
            case when figure.source_time = 'substituted' then 'made from the rows of a later day' end
        ) as night_reasons
    from figure
)
select
    as_of,
    model,
    segment_id,
    segment_name,
    case
        when stability_band = 'do not trust' then 'no'
        when own_reasons <> '' or night_reasons <> '' then 'with care'
        else 'yes'
    end as trust,
    nullif(own_reasons, '') as own_reasons,
    nullif(night_reasons, '') as night_reasons,
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
    version,
    trained_at,
    run_id,
    model_version_id
from told;
comment on view segmentation.dated_segment_health is 'One row per published date, model and segment: whether it could be relied on that night, its age apart, and what speaks against it. For the page, the API and the terminal; BI reads segment_health.';
comment on column segmentation.dated_segment_health.as_of is 'The business date.';
comment on column segmentation.dated_segment_health.model is 'Name of the model.';
comment on column segmentation.dated_segment_health.segment_id is 'Number of the segment, stable across versions; 0 for outliers.';
comment on column segmentation.dated_segment_health.segment_name is 'Name of the segment.';
comment on column segmentation.dated_segment_health.trust is 'yes: nothing speaks against it; with care: see the reasons; no: the segment itself is not stable.';
comment on column segmentation.dated_segment_health.own_reasons is 'What speaks against this segment and not against the others, in words; null for nothing.';
comment on column segmentation.dated_segment_health.night_reasons is 'What speaks against all segments of the model on that date, in words; null for nothing.';
comment on column segmentation.dated_segment_health.customers is 'Customers in the segment.';
comment on column segmentation.dated_segment_health.share is 'Share of the model''s labelled customers, 0 to 1.';
comment on column segmentation.dated_segment_health.stability is 'Jaccard similarity of the segment with its like in bootstrapped trainings, mean, 0 to 1; null where it was not measured.';
comment on column segmentation.dated_segment_health.stability_band is 'How well it is found again in other samples (Hennig): highly stable from 0.85, valid from 0.75; pattern from 0.6: there is something, but who belongs to it is doubtful; do not trust below.';
comment on column segmentation.dated_segment_health.structure is 'structured: groups were found; none: the customers are a continuum, and the segments divide it.';
comment on column segmentation.dated_segment_health.drift_alarms is 'Drift checks of the model on this date that raised an alarm.';
comment on column segmentation.dated_segment_health.drift_checks is 'Drift checks of the model on this date; 0: none was made.';
comment on column segmentation.dated_segment_health.rejected_share is 'Share of the source''s rows that could not be labelled, 0 to 1.';
comment on column segmentation.dated_segment_health.rows_read is 'Rows read from the source.';
comment on column segmentation.dated_segment_health.source_time is 'present: from the rows of the day; dated: from the dated source; substituted: from the rows of a later day.';
comment on column segmentation.dated_segment_health.version is 'Number of the version that labelled the customers.';
comment on column segmentation.dated_segment_health.trained_at is 'When the version was trained.';
comment on column segmentation.dated_segment_health.run_id is 'The run that made this row.';
comment on column segmentation.dated_segment_health.model_version_id is 'The version''s number among all models.';
