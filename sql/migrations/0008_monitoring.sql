-- Drift: what a night measured, the checks against the training sample, and the retrainings that alarms asked for.

alter table segmentation.run_shards add column measures jsonb;
comment on column segmentation.run_shards.measures is 'Customers per model in the bins of its training sample: of each feature, of the confidence and of the distance to the own centre.';

create table segmentation.drift_checks (
    as_of             date not null,
    model             text not null,
    layer             text not null check (layer in ('inputs', 'assignments', 'structure')),
    check_name        text not null,
    subject           text not null,
    statistic         double precision not null check (statistic >= 0),
    threshold         double precision not null check (threshold >= 0),
    alarm             boolean not null,
    rows              bigint not null check (rows >= 0),
    reference_rows    bigint not null check (reference_rows >= 0),
    description       text not null,
    run_id            bigint not null references segmentation.scoring_runs,
    model_version_id  bigint not null references segmentation.model_versions,
    primary key (as_of, model, layer, check_name, subject)
);
comment on table segmentation.drift_checks is 'One row per date, model and check: how far the customers are from those that the version was trained on. A date that is run again has its checks written anew.';
comment on column segmentation.drift_checks.as_of is 'The business date.';
comment on column segmentation.drift_checks.model is 'Name of the model.';
comment on column segmentation.drift_checks.layer is 'inputs: the rows and the features; assignments: the shares of the segments; structure: how well customers fit their segments.';
comment on column segmentation.drift_checks.check_name is 'rejected, missing, distribution, share, noise, confidence or distance.';
comment on column segmentation.drift_checks.subject is 'What was checked: rows, a column, the segment_id of a segment, or customers.';
comment on column segmentation.drift_checks.statistic is 'Cohen''s w: how far the shares of the bins differ, whatever the number of rows. Near the shift in standard deviations for a feature.';
comment on column segmentation.drift_checks.threshold is 'The w above which there is an alarm: what chance leaves room for with so many rows on both sides, and at least min_effect of customers.yaml.';
comment on column segmentation.drift_checks.alarm is 'True: the statistic is above the threshold. Never for assignments and structure of a version in whose customers no groups were found.';
comment on column segmentation.drift_checks.rows is 'Rows of the night that were compared.';
comment on column segmentation.drift_checks.reference_rows is 'Rows of the training sample that they were compared with.';
comment on column segmentation.drift_checks.description is 'Where the difference is largest, in words.';
comment on column segmentation.drift_checks.run_id is 'The run that was checked.';
comment on column segmentation.drift_checks.model_version_id is 'The version that labelled the customers.';

create table segmentation.retraining_requests (
    run_id        bigint primary key references segmentation.scoring_runs,
    as_of         date not null,
    models        text[] not null,
    requested_at  timestamptz not null default now()
);
comment on table segmentation.retraining_requests is 'One row per night whose drift alarms asked for a retraining.';
comment on column segmentation.retraining_requests.run_id is 'The run that was checked.';
comment on column segmentation.retraining_requests.as_of is 'Its business date; the next request comes no sooner than retrain_at_most_every_days after it.';
comment on column segmentation.retraining_requests.models is 'The models with an alarm.';
comment on column segmentation.retraining_requests.requested_at is 'When the retraining was asked for.';
