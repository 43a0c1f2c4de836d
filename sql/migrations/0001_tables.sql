-- Tables of the segmentation schema. {key_type} is the type of the contract's key, fixed here.

create table segmentation.contract (
    only_row    boolean primary key default true check (only_row),
    key_type    text not null,
    created_at  timestamptz not null default now()
);
comment on table segmentation.contract is 'What the schema was made for: the type of the customers'' key, fixed at the first migration.';
comment on column segmentation.contract.only_row is 'Always true: the table has one row.';
comment on column segmentation.contract.key_type is 'Type of customer_id: bigint, text or uuid.';
comment on column segmentation.contract.created_at is 'When the schema was made.';
insert into segmentation.contract (key_type) values ({key_type_name});

create table segmentation.model_versions (
    model_version_id  bigint generated always as identity primary key,
    model             text not null,
    version           integer not null check (version >= 1),
    status            text not null default 'candidate'
                      check (status in ('candidate', 'champion', 'retired', 'refused')),
    structure         text not null check (structure in ('structured', 'none')),
    algorithm         text not null,
    features          text[] not null,
    settings          jsonb not null,
    metrics           jsonb not null,
    clusters          jsonb not null,
    artifact          text not null,
    artifact_sha256   text not null check (length(artifact_sha256) = 64),
    sample_rows       bigint not null check (sample_rows > 0),
    sample_sha256     text not null check (length(sample_sha256) = 64),
    library_versions  jsonb not null,
    trained_at        timestamptz not null default now(),
    unique (model, version)
);
create unique index one_champion_a_model on segmentation.model_versions (model) where status = 'champion';
comment on table segmentation.model_versions is 'One row per training of a model. A version never changes, but for its status.';
comment on column segmentation.model_versions.model_version_id is 'Number of the version among all models.';
comment on column segmentation.model_versions.model is 'Name of the model''s file: kmeans, dbscan, gmm.';
comment on column segmentation.model_versions.version is 'Number of the version within its model: 1, 2, 3 ..., never reused.';
comment on column segmentation.model_versions.status is 'candidate: not yet decided on; champion: scores at night; retired: was champion; refused: did not pass.';
comment on column segmentation.model_versions.structure is 'structured: groups were found; none: no cluster structure was found, the customers are a continuum.';
comment on column segmentation.model_versions.algorithm is 'kmeans, dbscan or gmm.';
comment on column segmentation.model_versions.features is 'Columns that go into the distance.';
comment on column segmentation.model_versions.settings is 'Settings that the selection chose, such as the number of clusters.';
comment on column segmentation.model_versions.metrics is 'Figures of the training, such as the silhouette.';
comment on column segmentation.model_versions.clusters is 'The segment of each cluster label, with its size in the sample.';
comment on column segmentation.model_versions.artifact is 'Directory of the artifact, relative to the model store.';
comment on column segmentation.model_versions.artifact_sha256 is 'SHA-256 of the artifact''s meta.json, which holds that of parameters.npz.';
comment on column segmentation.model_versions.sample_rows is 'Valid customers that the version was trained on.';
comment on column segmentation.model_versions.sample_sha256 is 'SHA-256 of the standardised training matrix.';
comment on column segmentation.model_versions.library_versions is 'Versions of Python and the libraries at training, as information only.';
comment on column segmentation.model_versions.trained_at is 'When the version was trained.';

create table segmentation.promotions (
    promotion_id         bigint generated always as identity primary key,
    model                text not null,
    model_version_id     bigint not null references segmentation.model_versions,
    previous_version_id  bigint references segmentation.model_versions,
    decision             text not null check (decision in ('promoted', 'refused', 'rolled_back')),
    reason               text not null,
    metrics              jsonb not null default '{}',
    decided_by           text not null,
    decided_at           timestamptz not null default now()
);
comment on table segmentation.promotions is 'One row per decision on a version: who decided what, when and why.';
comment on column segmentation.promotions.promotion_id is 'Number of the decision.';
comment on column segmentation.promotions.model is 'Name of the model.';
comment on column segmentation.promotions.model_version_id is 'The version that the decision is about.';
comment on column segmentation.promotions.previous_version_id is 'The champion before the decision, if there was one.';
comment on column segmentation.promotions.decision is 'promoted, refused or rolled_back.';
comment on column segmentation.promotions.reason is 'Why, in a sentence.';
comment on column segmentation.promotions.metrics is 'The figures that the decision rests on.';
comment on column segmentation.promotions.decided_by is 'Who decided: a person or the DAG''s gate.';
comment on column segmentation.promotions.decided_at is 'When it was decided.';

create table segmentation.scoring_runs (
    run_id         bigint generated always as identity primary key,
    as_of          date not null,
    status         text not null default 'running'
                   check (status in ('running', 'published', 'replaced', 'dry_run', 'abandoned')),
    dry_run        boolean not null,
    requested_by   text not null,
    source         text not null,
    rows_read      bigint,
    rows_labelled  bigint,
    rows_rejected  bigint,
    note           text,
    started_at     timestamptz not null default now(),
    finished_at    timestamptz,
    labels_dropped_at timestamptz,
    check (status not in ('published', 'replaced', 'dry_run') or rows_read = rows_labelled + rows_rejected)
);
create index on segmentation.scoring_runs (as_of);
comment on table segmentation.scoring_runs is 'One row per scoring of the source by all, or some, champions.';
comment on column segmentation.scoring_runs.run_id is 'Number of the run.';
comment on column segmentation.scoring_runs.as_of is 'The business date that the labels stand for.';
comment on column segmentation.scoring_runs.status is 'running; published; replaced: a later run of the same date took its place for every model; dry_run: counted and dropped; abandoned: ended without publishing.';
comment on column segmentation.scoring_runs.dry_run is 'True: the run publishes nothing.';
comment on column segmentation.scoring_runs.requested_by is 'Who asked for the run: the DAG run''s id, or a name.';
comment on column segmentation.scoring_runs.source is 'The table that the customers were read from.';
comment on column segmentation.scoring_runs.rows_read is 'Rows read from the source.';
comment on column segmentation.scoring_runs.rows_labelled is 'Rows labelled by every model of the run.';
comment on column segmentation.scoring_runs.rows_rejected is 'Rows rejected with a reason; read = labelled + rejected.';
comment on column segmentation.scoring_runs.note is 'Why the run was abandoned.';
comment on column segmentation.scoring_runs.started_at is 'When the run was planned.';
comment on column segmentation.scoring_runs.finished_at is 'When the run was published, counted or abandoned.';
comment on column segmentation.scoring_runs.labels_dropped_at is 'When retention dropped the run''s labels; null while they are there.';

create table segmentation.run_models (
    run_id            bigint not null references segmentation.scoring_runs,
    model             text not null,
    model_version_id  bigint not null references segmentation.model_versions,
    primary key (run_id, model)
);
comment on table segmentation.run_models is 'The version of each model that a run scores with.';
comment on column segmentation.run_models.run_id is 'The run.';
comment on column segmentation.run_models.model is 'Name of the model.';
comment on column segmentation.run_models.model_version_id is 'The champion when the run was planned.';

create table segmentation.run_shards (
    run_id         bigint not null references segmentation.scoring_runs,
    shard          integer not null check (shard >= 0),
    lower_bound    {key_type},
    upper_bound    {key_type},
    rows_read      bigint,
    rows_labelled  bigint,
    rows_rejected  bigint,
    reasons        jsonb,
    profiles       jsonb,
    attempt        text,
    finished_at    timestamptz,
    primary key (run_id, shard)
);
comment on table segmentation.run_shards is 'The manifest of a run: its key ranges, and what the one attempt that won each of them staged.';
comment on column segmentation.run_shards.run_id is 'The run.';
comment on column segmentation.run_shards.shard is 'Number of the shard within the run, from 0. Shard 0 also takes the rows without a key.';
comment on column segmentation.run_shards.lower_bound is 'Smallest key of the shard; null: no bound.';
comment on column segmentation.run_shards.upper_bound is 'First key after the shard; null: no bound.';
comment on column segmentation.run_shards.rows_read is 'Rows read from the source.';
comment on column segmentation.run_shards.rows_labelled is 'Rows labelled by every model of the run.';
comment on column segmentation.run_shards.rows_rejected is 'Rows rejected with a reason.';
comment on column segmentation.run_shards.reasons is 'Rejected rows by reason.';
comment on column segmentation.run_shards.profiles is 'Exact partial sums per model, cluster and column.';
comment on column segmentation.run_shards.attempt is 'The attempt that won the shard; its staging tables carry the name.';
comment on column segmentation.run_shards.finished_at is 'When the shard was staged; null while it is not.';

create table segmentation.published_runs (
    model             text not null,
    as_of             date not null,
    run_id            bigint not null references segmentation.scoring_runs,
    model_version_id  bigint not null references segmentation.model_versions,
    published_at      timestamptz not null default now(),
    published_xid     xid8 not null default pg_current_xact_id(),
    primary key (model, as_of)
);
comment on table segmentation.published_runs is 'The pointer: which run holds for a model and a date. Everything that people read goes through it.';
comment on column segmentation.published_runs.model is 'Name of the model.';
comment on column segmentation.published_runs.as_of is 'The business date.';
comment on column segmentation.published_runs.run_id is 'The run that holds for this model and date.';
comment on column segmentation.published_runs.model_version_id is 'The version that labelled it.';
comment on column segmentation.published_runs.published_at is 'When it was published.';
comment on column segmentation.published_runs.published_xid is 'The transaction that published it: older snapshots do not see it.';

create table segmentation.customer_labels (
    customer_id       {key_type} not null,
    cluster_label     integer not null,
    segment_id        integer not null,
    confidence        real not null,
    run_id            bigint not null,
    model_version_id  bigint not null,
    shard             smallint not null
) partition by list (run_id);
comment on table segmentation.customer_labels is 'One row per run, model and customer, partitioned by run, model version and shard. People read current_customer_segments; runs that are staged, replaced or not current are in here too.';
comment on column segmentation.customer_labels.customer_id is 'The customer.';
comment on column segmentation.customer_labels.cluster_label is 'The version''s own number for the cluster, -1 for noise; meaningless across versions.';
comment on column segmentation.customer_labels.segment_id is 'The segment, stable across versions; 0 for outliers.';
comment on column segmentation.customer_labels.confidence is 'How clearly the customer belongs there, 0 to 1.';
comment on column segmentation.customer_labels.run_id is 'The run.';
comment on column segmentation.customer_labels.model_version_id is 'The version that gave the label.';
comment on column segmentation.customer_labels.shard is 'The part of the run that staged the row.';

create table segmentation.segments (
    as_of               date not null,
    model               text not null,
    segment_id          integer not null check (segment_id >= 0),
    segment_name        text not null,
    description         text not null,
    recommended_action  text not null,
    customers           bigint not null check (customers >= 0),
    share               double precision not null check (share between 0 and 1),
    run_id              bigint not null references segmentation.scoring_runs,
    model_version_id    bigint not null references segmentation.model_versions,
    primary key (as_of, model, segment_id)
);
comment on table segmentation.segments is 'One row per date, model and segment: the table that BI reads. Averages of the contract''s numeric columns follow as avg_<column>.';
comment on column segmentation.segments.as_of is 'The business date.';
comment on column segmentation.segments.model is 'Name of the model: kmeans, dbscan, gmm.';
comment on column segmentation.segments.segment_id is 'Number of the segment, stable across versions; 0 for outliers.';
comment on column segmentation.segments.segment_name is 'Name of the segment.';
comment on column segmentation.segments.description is 'What its customers have in common.';
comment on column segmentation.segments.recommended_action is 'What to do for its customers.';
comment on column segmentation.segments.customers is 'Customers in the segment.';
comment on column segmentation.segments.share is 'Share of the model''s labelled customers, 0 to 1.';
comment on column segmentation.segments.run_id is 'The run that made this row.';
comment on column segmentation.segments.model_version_id is 'The version that labelled the customers.';

create table segmentation.rejected_customers (
    run_id       bigint not null references segmentation.scoring_runs,
    customer_id  text,
    reason       text not null,
    column_name  text not null,
    value        text
);
create index on segmentation.rejected_customers (run_id);
comment on table segmentation.rejected_customers is 'One row per source row that a run could not label.';
comment on column segmentation.rejected_customers.run_id is 'The run.';
comment on column segmentation.rejected_customers.customer_id is 'The row''s key as text; null where it has none.';
comment on column segmentation.rejected_customers.reason is 'missing_key, duplicate_key, missing_value, wrong_type, not_convertible, not_finite or out_of_range.';
comment on column segmentation.rejected_customers.column_name is 'The column at fault.';
comment on column segmentation.rejected_customers.value is 'The value found there, as text.';
