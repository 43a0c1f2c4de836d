-- What each segment looks like, column by column, for whatever columns the contract names.

create table segmentation.segment_profiles (
    as_of        date not null,
    model        text not null,
    segment_id   integer not null check (segment_id >= 0),
    column_name  text not null,
    customers    bigint not null check (customers >= 0),
    mean         double precision,
    minimum      double precision,
    q1           double precision,
    median       double precision,
    q3           double precision,
    maximum      double precision,
    run_id       bigint not null references segmentation.scoring_runs,
    primary key (as_of, model, segment_id, column_name)
);
comment on table segmentation.segment_profiles is 'One row per date, model, segment and numeric column. Kept when the labels of a run are dropped.';
comment on column segmentation.segment_profiles.as_of is 'The business date.';
comment on column segmentation.segment_profiles.model is 'Name of the model: kmeans, dbscan, gmm.';
comment on column segmentation.segment_profiles.segment_id is 'Number of the segment, stable across versions; 0 for outliers.';
comment on column segmentation.segment_profiles.column_name is 'The column of the source contract.';
comment on column segmentation.segment_profiles.customers is 'Customers of the segment with a value in this column.';
comment on column segmentation.segment_profiles.mean is 'Mean, exact; null where nobody has a value, as the columns that follow.';
comment on column segmentation.segment_profiles.minimum is 'Smallest value, exact.';
comment on column segmentation.segment_profiles.q1 is 'First quartile, of a sample of about a thousand customers, chosen by a hash of their keys.';
comment on column segmentation.segment_profiles.median is 'Median, of the same sample.';
comment on column segmentation.segment_profiles.q3 is 'Third quartile, of the same sample.';
comment on column segmentation.segment_profiles.maximum is 'Largest value, exact.';
comment on column segmentation.segment_profiles.run_id is 'The run that made this row.';

alter table segmentation.run_shards add column samples bytea;
comment on column segmentation.run_shards.samples is 'Sampled customers'' values per model and cluster, for the quartiles; null once the run has ended.';
