-- Views for BI: one row per customer, the segments over time, the versions over time.

alter table segmentation.contract add column default_model text;
comment on column segmentation.contract.default_model is 'The model that customer_segments shows, from the source contract; null: the first one by name.';

create view segmentation.customer_segments as
select
    label.customer_id,
    label.segment_id,
    segment.segment_name,
    segment.recommended_action,
    label.confidence,
    current.as_of,
    current.model,
    label.run_id,
    label.model_version_id
from segmentation.current_models as current
join segmentation.customer_labels as label
    on label.run_id = current.run_id and label.model_version_id = current.model_version_id
join segmentation.segments as segment
    on segment.as_of = current.as_of and segment.model = current.model and segment.segment_id = label.segment_id
where
    current.model = (
        select coalesce(
            (select default_model from segmentation.contract),
            (select min(model) from segmentation.current_models)
        )
    )
    -- Scalar subqueries let the executor leave out the partitions of all other runs and models.
    and label.run_id = (
        select run_id
        from segmentation.current_models
        where model = (
            select coalesce(
                (select default_model from segmentation.contract),
                (select min(model) from segmentation.current_models)
            )
        )
    )
    and label.model_version_id = (
        select model_version_id
        from segmentation.current_models
        where model = (
            select coalesce(
                (select default_model from segmentation.contract),
                (select min(model) from segmentation.current_models)
            )
        )
    );
comment on view segmentation.customer_segments is 'One row per customer: the segment that the customer is in now, by the default model of the source contract.';
comment on column segmentation.customer_segments.customer_id is 'The customer.';
comment on column segmentation.customer_segments.segment_id is 'The segment, stable across versions; 0 for outliers.';
comment on column segmentation.customer_segments.segment_name is 'Name of the segment.';
comment on column segmentation.customer_segments.recommended_action is 'What to do for its customers.';
comment on column segmentation.customer_segments.confidence is 'How clearly the customer belongs there, 0 to 1.';
comment on column segmentation.customer_segments.as_of is 'The business date.';
comment on column segmentation.customer_segments.model is 'Name of the model.';
comment on column segmentation.customer_segments.run_id is 'The run that made the label.';
comment on column segmentation.customer_segments.model_version_id is 'The version that gave it.';

create view segmentation.segment_trend as
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
    segment.model_version_id
from segmentation.segments as segment
join night on night.model = segment.model and night.as_of = segment.as_of
join latest on latest.model = segment.model and latest.segment_id = segment.segment_id
join segmentation.model_versions as version on version.model_version_id = segment.model_version_id
left join segmentation.segments as former
    on former.as_of = night.previous_as_of and former.model = segment.model
    and former.segment_id = segment.segment_id;
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
comment on column segmentation.segment_trend.stability_band is 'What that means: highly stable, valid, pattern or do not trust.';
comment on column segmentation.segment_trend.structure is 'structured: groups were found; none: the customers are a continuum, and the segments divide it.';
comment on column segmentation.segment_trend.version is 'Number of the version that labelled the customers.';
comment on column segmentation.segment_trend.is_other_version is 'True where another version labelled the date before: a change may be the model''s doing, see segment_migrations.';
comment on column segmentation.segment_trend.run_id is 'The run that made this row.';
comment on column segmentation.segment_trend.model_version_id is 'The version''s number among all models.';

create view segmentation.model_history as
with appointment as (
    select
        promotion_id,
        decided_at as champion_from,
        lead(decided_at) over (partition by model order by decided_at, promotion_id) as champion_until
    from segmentation.promotions
    where decision in ('promoted', 'rolled_back')
)
select
    version.model,
    version.version,
    version.status,
    version.structure,
    decision.decision,
    decision.reason,
    decision.decided_by,
    decision.decided_at,
    appointment.champion_from,
    appointment.champion_until,
    version.algorithm,
    version.features,
    version.settings,
    chosen.clusters,
    chosen.silhouette,
    chosen.prediction_strength,
    chosen.min_jaccard,
    chosen.smallest_share,
    chosen.noise_share,
    version.sample_rows,
    version.trained_at,
    version.model_version_id
from segmentation.model_versions as version
left join segmentation.promotions as decision on decision.model_version_id = version.model_version_id
left join appointment on appointment.promotion_id = decision.promotion_id
left join segmentation.model_selection as chosen
    on chosen.model_version_id = version.model_version_id and chosen.chosen;
comment on view segmentation.model_history is 'One row per version and decision on it: what was trained, what was decided and why, and when the version was champion.';
comment on column segmentation.model_history.model is 'Name of the model.';
comment on column segmentation.model_history.version is 'Number of the version within its model: 1, 2, 3 ..., never reused.';
comment on column segmentation.model_history.status is 'What the version is now: candidate, champion, retired or refused.';
comment on column segmentation.model_history.structure is 'structured: groups were found; none: the customers are a continuum, and the segments divide it.';
comment on column segmentation.model_history.decision is 'promoted, refused or rolled_back; null where nobody has decided.';
comment on column segmentation.model_history.reason is 'Why, in a sentence.';
comment on column segmentation.model_history.decided_by is 'Who decided: a person or the DAG''s gate.';
comment on column segmentation.model_history.decided_at is 'When it was decided.';
comment on column segmentation.model_history.champion_from is 'Since when the decision made it champion; null where it did not.';
comment on column segmentation.model_history.champion_until is 'Until when; null while it is.';
comment on column segmentation.model_history.algorithm is 'kmeans, dbscan or gmm.';
comment on column segmentation.model_history.features is 'Columns that go into the distance.';
comment on column segmentation.model_history.settings is 'Settings that the selection chose, such as the number of clusters.';
comment on column segmentation.model_history.clusters is 'Number of clusters that the selection found in its working sample; null for versions without a record of it, as the figures that follow.';
comment on column segmentation.model_history.silhouette is 'Mean silhouette, -1 to 1; noise counts as 0.';
comment on column segmentation.model_history.prediction_strength is 'Prediction strength of the weakest cluster, 0 to 1.';
comment on column segmentation.model_history.min_jaccard is 'Smallest mean bootstrap Jaccard of any cluster, 0 to 1.';
comment on column segmentation.model_history.smallest_share is 'Share of the customers in the smallest cluster, 0 to 1.';
comment on column segmentation.model_history.noise_share is 'Share of the customers in no cluster, 0 to 1.';
comment on column segmentation.model_history.sample_rows is 'Valid customers that the version was trained on.';
comment on column segmentation.model_history.trained_at is 'When the version was trained.';
comment on column segmentation.model_history.model_version_id is 'The version''s number among all models.';

create view segmentation.segment_health as
with alarm as (
    select model, as_of, run_id, count(*) filter (where alarm) as alarms, count(*) as checks
    from segmentation.drift_checks
    group by model, as_of, run_id
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
        current.published_at,
        current_date - current.as_of as age_days,
        current.run_id,
        current.model_version_id
    from segmentation.current_models as current
    join segmentation.segments as segment on segment.as_of = current.as_of and segment.model = current.model
    join segmentation.scoring_runs as run on run.run_id = current.run_id
    join segmentation.model_versions as version on version.model_version_id = current.model_version_id
    left join alarm
        on alarm.model = current.model and alarm.as_of = current.as_of and alarm.run_id = current.run_id
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
            case when figure.source_time = 'substituted' then 'made from the rows of a later day' end,
            case when figure.age_days > 2 then format('%s days old', figure.age_days) end
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
comment on column segmentation.segment_health.age_days is 'Days since the business date.';
comment on column segmentation.segment_health.published_at is 'When it was published.';
comment on column segmentation.segment_health.version is 'Number of the version that labelled the customers.';
comment on column segmentation.segment_health.trained_at is 'When the version was trained.';
comment on column segmentation.segment_health.run_id is 'The run that made this row.';
comment on column segmentation.segment_health.model_version_id is 'The version''s number among all models.';
