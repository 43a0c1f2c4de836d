-- The tables of the schema. {key_type} is the type of the contract's key, fixed here.

create table segmentation.contract (
    only_row    boolean primary key default true check (only_row),
    key_type    text not null,
    created_at  timestamptz not null default now(),
    default_model  text
);
comment on table segmentation.contract is 'What the schema was made for: the type of the customers'' key, fixed at the first migration.';
comment on column segmentation.contract.only_row is 'Always true: the table has one row.';
comment on column segmentation.contract.key_type is 'Type of customer_id: bigint, text or uuid.';
comment on column segmentation.contract.created_at is 'When the schema was made.';
comment on column segmentation.contract.default_model is 'The model that customer_segments shows, from the source contract; null: the first one by name.';
insert into segmentation.contract (key_type) values ({key_type_name});

create table segmentation.definitions (
    kind    text not null check (kind in ('view', 'function')),
    name    text not null,
    sha256  text not null check (length(sha256) = 64),
    primary key (kind, name)
);
comment on table segmentation.definitions is 'One row per view and function that clustering migrate creates: what it was made from. What has not changed is not made anew.';
comment on column segmentation.definitions.kind is 'view or function.';
comment on column segmentation.definitions.name is 'Name of the view or function.';
comment on column segmentation.definitions.sha256 is 'SHA-256 of its definition, comments included.';

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
    sample_rule       text,
    artifact_pruned_at  timestamptz,
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
comment on column segmentation.model_versions.artifact_sha256 is 'SHA-256 of the artifact''s meta.json, which holds that of parameters.npz. Changes only when a customer is forgotten whose values were a core point of DBSCAN.';
comment on column segmentation.model_versions.sample_rows is 'Valid customers that the version was trained on.';
comment on column segmentation.model_versions.sample_sha256 is 'SHA-256 of the standardised training matrix.';
comment on column segmentation.model_versions.library_versions is 'Versions of Python and the libraries at training, as information only.';
comment on column segmentation.model_versions.trained_at is 'When the version was trained.';
comment on column segmentation.model_versions.sample_rule is 'How the customers were drawn that the version was trained on.';
comment on column segmentation.model_versions.artifact_pruned_at is 'When the artifact was removed from the model store to save space; null: it is there. The row stays.';

create table segmentation.promotions (
    promotion_id         bigint generated always as identity primary key,
    model                text not null,
    model_version_id     bigint not null references segmentation.model_versions,
    previous_version_id  bigint references segmentation.model_versions,
    decision             text not null check (decision in ('promoted', 'refused', 'rolled_back')),
    reason               text not null,
    metrics              jsonb not null default '{}',
    decided_by           text not null,
    decided_at           timestamptz not null default now(),
    database_user        text not null default session_user
);
comment on table segmentation.promotions is 'One row per decision on a version: who decided what, when and why.';
comment on column segmentation.promotions.promotion_id is 'Number of the decision.';
comment on column segmentation.promotions.model is 'Name of the model.';
comment on column segmentation.promotions.model_version_id is 'The version that the decision is about.';
comment on column segmentation.promotions.previous_version_id is 'The champion before the decision, if there was one.';
comment on column segmentation.promotions.decision is 'promoted, refused or rolled_back.';
comment on column segmentation.promotions.reason is 'Why, in a sentence.';
comment on column segmentation.promotions.metrics is 'The figures that the decision rests on.';
comment on column segmentation.promotions.decided_by is 'Who decided, a person or the DAG''s gate, as the login says that wrote the row.';
comment on column segmentation.promotions.decided_at is 'When it was decided, by the server''s clock.';
comment on column segmentation.promotions.database_user is 'The login that wrote the row, filled by the server.';

create table segmentation.scoring_runs (
    run_id         bigint generated always as identity primary key,
    as_of          date not null,
    status         text not null default 'running'
                   check (status in ('running', 'held', 'published', 'replaced', 'withdrawn', 'dry_run', 'abandoned')),
    dry_run        boolean not null,
    requested_by   text not null,
    source         text not null,
    rows_read      bigint,
    rows_labelled  bigint,
    rows_rejected  bigint,
    note           text,
    started_at     timestamptz not null default now(),
    finished_at    timestamptz,
    labels_expired_at  timestamptz,
    labels_dropped_at  timestamptz,
    withdrawn_xid  xid8,
    checked_at     timestamptz,
    held_at        timestamptz,
    contract_sha256  text not null check (contract_sha256 ~ '^[0-9a-f]{64}$'),
    source_time    text not null default 'present' check (source_time in ('present', 'dated', 'substituted')),
    check (status not in ('published', 'replaced', 'withdrawn', 'dry_run') or rows_read = rows_labelled + rows_rejected)
);
create index on segmentation.scoring_runs (as_of);
comment on table segmentation.scoring_runs is 'One row per scoring of the source by all, or some, champions.';
comment on column segmentation.scoring_runs.run_id is 'Number of the run.';
comment on column segmentation.scoring_runs.as_of is 'The business date that the labels stand for.';
comment on column segmentation.scoring_runs.status is 'running; held: it has a grave finding in night_checks, readers keep the former run, and a person decides; published; replaced: a later run of the same date took its place for every model; withdrawn: it was published, and then taken back, for every model that no later run had replaced; dry_run: counted and dropped; abandoned: ended without publishing.';
comment on column segmentation.scoring_runs.dry_run is 'True: the run publishes nothing.';
comment on column segmentation.scoring_runs.requested_by is 'Who asked for the run: the DAG run''s id, or a name.';
comment on column segmentation.scoring_runs.source is 'What the customers were read from: the table, or the contract''s dated_source.';
comment on column segmentation.scoring_runs.rows_read is 'Rows read from the source.';
comment on column segmentation.scoring_runs.rows_labelled is 'Rows labelled by every model of the run.';
comment on column segmentation.scoring_runs.rows_rejected is 'Rows rejected with a reason; read = labelled + rejected.';
comment on column segmentation.scoring_runs.note is 'Why the run was abandoned, held or withdrawn, or published all the same.';
comment on column segmentation.scoring_runs.started_at is 'When the run was planned.';
comment on column segmentation.scoring_runs.finished_at is 'When the run was published, counted or abandoned.';
comment on column segmentation.scoring_runs.labels_expired_at is 'When retention decided to drop the run''s labels: from then on they cannot become current again.';
comment on column segmentation.scoring_runs.labels_dropped_at is 'When retention dropped the run''s labels; null while they are there.';
comment on column segmentation.scoring_runs.withdrawn_xid is 'The transaction that last took the run back for a model: older snapshots still show it. Null: none did.';
comment on column segmentation.scoring_runs.checked_at is 'When the run was compared with the nights before it.';
comment on column segmentation.scoring_runs.held_at is 'Since when it is held; kept when it has been decided on. Null: it never was.';
comment on column segmentation.scoring_runs.contract_sha256 is 'Hash of what determines the labels in the contract that the run was planned under; shards and publication refuse another.';
comment on column segmentation.scoring_runs.source_time is 'present: the customers were read on the date itself, or by its own night a little later; dated: from the contract''s dated_source as of the date; substituted: the date was past, and the customers are those of the day of the run.';

create table segmentation.run_models (
    run_id            bigint not null references segmentation.scoring_runs,
    model             text not null,
    model_version_id  bigint not null references segmentation.model_versions,
    label_set         bigint generated always as identity unique,
    primary key (run_id, model)
);
comment on table segmentation.run_models is 'The version of each model that a run scores with, and the label set that it makes.';
comment on column segmentation.run_models.run_id is 'The run.';
comment on column segmentation.run_models.model is 'Name of the model.';
comment on column segmentation.run_models.model_version_id is 'The champion when the run was planned; for a past date, the champion when the date ended.';
comment on column segmentation.run_models.label_set is 'Number of the label set: the labels of this run by this model, which are published, kept and dropped as one.';

create table segmentation.run_failures (
    run_id            bigint not null references segmentation.scoring_runs,
    model             text not null,
    model_version_id  bigint not null references segmentation.model_versions,
    reason            text not null,
    failed_at         timestamptz not null default now(),
    primary key (run_id, model)
);
comment on table segmentation.run_failures is 'One row per model that a run had to leave out because its version could not be used; the others went on, and readers keep the model''s former result.';
comment on column segmentation.run_failures.run_id is 'The run.';
comment on column segmentation.run_failures.model is 'Name of the model.';
comment on column segmentation.run_failures.model_version_id is 'The version that should have labelled.';
comment on column segmentation.run_failures.reason is 'Why it could not, in a sentence.';
comment on column segmentation.run_failures.failed_at is 'When that was noticed.';

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
    samples        bytea,
    compared       jsonb,
    measures       jsonb,
    compositions   jsonb,
    columns        jsonb,
    changed_at     timestamp,
    primary key (run_id, shard)
);
alter table segmentation.run_shards
    alter column lower_bound set statistics 0, alter column upper_bound set statistics 0;
comment on table segmentation.run_shards is 'The manifest of a run: its key ranges, and what the one attempt that won each of them staged.';
comment on column segmentation.run_shards.run_id is 'The run.';
comment on column segmentation.run_shards.shard is 'Number of the shard within the run, from 0. Shard 0 also takes the rows without a key.';
comment on column segmentation.run_shards.lower_bound is 'Smallest key of the shard; null: no bound, or the run has ended.';
comment on column segmentation.run_shards.upper_bound is 'First key after the shard; null: no bound, or the run has ended.';
comment on column segmentation.run_shards.rows_read is 'Rows read from the source.';
comment on column segmentation.run_shards.rows_labelled is 'Rows labelled by every model of the run.';
comment on column segmentation.run_shards.rows_rejected is 'Rows rejected with a reason.';
comment on column segmentation.run_shards.reasons is 'What is wrong with rejected rows, by column and reason with an example; null when the run has ended.';
comment on column segmentation.run_shards.profiles is 'Exact partial sums per model, cluster and column.';
comment on column segmentation.run_shards.attempt is 'The attempt that won the shard; its staging tables carry the name.';
comment on column segmentation.run_shards.finished_at is 'When the shard was staged; null while it is not.';
comment on column segmentation.run_shards.samples is 'Sampled customers'' values per model and cluster, for the quartiles; null once the run has ended.';
comment on column segmentation.run_shards.compared is 'Per model version the run of the preceding date that the shard''s labels were compared with (base_run_id), whether it is known whom the change of version moved (split), and the customers who moved by former and present segment, null standing for no label (moves: from, to, customers, of them by the change of version).';
comment on column segmentation.run_shards.measures is 'Customers per model in the bins of its training sample: of each feature, of the confidence and of the distance to the own centre.';
comment on column segmentation.run_shards.compositions is 'Customers by protected group per version and cluster.';
comment on column segmentation.run_shards.columns is 'Customers in the bins of each numeric column, whatever the version; null when the run has ended.';
comment on column segmentation.run_shards.changed_at is 'Latest change among the shard''s customers, in UTC, where the contract names its column.';

create table segmentation.run_measures (
    run_id         bigint primary key references segmentation.scoring_runs,
    source_sha256  text not null check (source_sha256 ~ '^[0-9a-f]{64}$'),
    compared_run_id  bigint references segmentation.scoring_runs,
    compared_as_of  date,
    counts         jsonb not null,
    drift          jsonb not null
);
comment on table segmentation.run_measures is 'One row per run that was checked: what its source looked like, to compare the next night with.';
comment on column segmentation.run_measures.run_id is 'The run.';
comment on column segmentation.run_measures.source_sha256 is 'Hash of what determines the customers'' values in the contract; only nights with the same are compared.';
comment on column segmentation.run_measures.compared_run_id is 'The run that it was compared with; null: there was none.';
comment on column segmentation.run_measures.compared_as_of is 'The date of the night that it was compared with; null: there was none.';
comment on column segmentation.run_measures.counts is 'Rows, rejected rows by column and reason, customers in the bins of the numeric columns and in the protected groups, however small.';
comment on column segmentation.run_measures.drift is 'The rows of drift_checks that publishing the run writes.';

create table segmentation.night_checks (
    run_id       bigint not null references segmentation.scoring_runs,
    model        text,
    check_name   text not null,
    subject      text not null,
    value        double precision not null,
    expected     double precision,
    lower_limit  double precision,
    upper_limit  double precision,
    finding      text check (finding in ('hold', 'warn')),
    description  text not null,
    advice       text check ((advice is null) = (finding is null)),
    checked_at   timestamptz not null default now()
);
create unique index night_checks_key on segmentation.night_checks (run_id, coalesce(model, ''), check_name, subject);
comment on table segmentation.night_checks is 'One row per run and figure that was compared with the nights before it; those with a finding say why a night was held, or should be taken with care.';
comment on column segmentation.night_checks.run_id is 'The run.';
comment on column segmentation.night_checks.model is 'The model whose labels the figure is about; null: it is about the source.';
comment on column segmentation.night_checks.check_name is 'rows, gone, new, rejected, missing, distribution, precision, range, groups, moved, segment, source_age, stale, repeated, unchanged, contract, drift or drift_unchecked.';
comment on column segmentation.night_checks.subject is 'What was checked: rows, customers, a column, a column and reason, or the segment_id of a segment.';
comment on column segmentation.night_checks.value is 'The figure: a share of customers or rows, 0 to 1; for rows and segment the natural logarithm of the ratio to the night before; for source_age hours; 1 for what is so.';
comment on column segmentation.night_checks.expected is 'What is usual on such a day, by the nights before; null while there are fewer than 14.';
comment on column segmentation.night_checks.lower_limit is 'The least that would pass; null: no limit.';
comment on column segmentation.night_checks.upper_limit is 'The most that would pass; null: no limit.';
comment on column segmentation.night_checks.finding is 'hold: the night waits for a person; warn: it is published, to be taken with care; null: nothing was found.';
comment on column segmentation.night_checks.description is 'What was found, in a sentence with its numbers.';
comment on column segmentation.night_checks.advice is 'What to do about it; null where nothing was found.';
comment on column segmentation.night_checks.checked_at is 'When it was checked.';

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

create table segmentation.model_retirements (
    retirement_id  bigint generated always as identity primary key,
    model          text not null,
    retired_on     date not null,
    reason         text not null,
    retired_by     text not null,
    retired_at     timestamptz not null default now(),
    run_id         bigint references segmentation.scoring_runs,
    returned_on    date,
    retired_xid    xid8 not null default pg_current_xact_id(),
    database_user  text not null default session_user
);
create unique index one_retirement_a_model on segmentation.model_retirements (model) where returned_on is null;
comment on table segmentation.model_retirements is 'One row per model and time for which it was retired: out of the views of what holds now, with its history ended and kept.';
comment on column segmentation.model_retirements.retirement_id is 'Number of the retirement.';
comment on column segmentation.model_retirements.model is 'Name of the model.';
comment on column segmentation.model_retirements.retired_on is 'The first date on which nobody is in its segments any more: open periods end here.';
comment on column segmentation.model_retirements.reason is 'Why, in a sentence.';
comment on column segmentation.model_retirements.retired_by is 'Who, a person or the night that noticed, as the login says that wrote the row.';
comment on column segmentation.model_retirements.retired_at is 'When, by the server''s clock.';
comment on column segmentation.model_retirements.run_id is 'The run that noticed; null: a person retired it.';
comment on column segmentation.model_retirements.returned_on is 'The date whose publication brought the model back; null while it is retired. -infinity: it counts for nothing, since the date that brought it about was withdrawn.';
comment on column segmentation.model_retirements.retired_xid is 'The transaction that retired it: older snapshots still show the model.';
comment on column segmentation.model_retirements.database_user is 'The login that wrote the row, filled by the server.';

create table segmentation.customer_labels (
    customer_id       {key_type} not null,
    cluster_label     integer not null,
    segment_id        integer not null,
    confidence        real not null,
    run_id            bigint not null,
    model_version_id  bigint not null,
    shard             smallint not null,
    model             text not null,
    label_set         bigint not null,
    as_of             date not null
) partition by list (model);
comment on table segmentation.customer_labels is 'One row per run, model and customer, partitioned by model, label set and shard; the partitions lie in segmentation_partitions. People read current_customer_segments; runs that are replaced or not current are in here too.';
comment on column segmentation.customer_labels.customer_id is 'The customer.';
comment on column segmentation.customer_labels.cluster_label is 'The version''s own number for the cluster, -1 for noise; meaningless across versions.';
comment on column segmentation.customer_labels.segment_id is 'The segment, stable across versions; 0 for outliers.';
comment on column segmentation.customer_labels.confidence is 'How clearly the customer belongs there, 0 to 1.';
comment on column segmentation.customer_labels.run_id is 'The run.';
comment on column segmentation.customer_labels.model_version_id is 'The version that gave the label.';
comment on column segmentation.customer_labels.shard is 'The part of the run that staged the row.';
comment on column segmentation.customer_labels.model is 'Name of the model.';
comment on column segmentation.customer_labels.label_set is 'The label set of run and model, see run_models. A query that does not name it as a constant takes a lock on every partition.';
comment on column segmentation.customer_labels.as_of is 'The business date of the run.';

create table segmentation.label_names (
    label_set           bigint not null references segmentation.run_models (label_set),
    segment_id          integer not null,
    segment_name        text not null,
    recommended_action  text not null,
    primary key (label_set, segment_id)
);
comment on table segmentation.label_names is 'One row per label set and segment: what its labels are called. Written with the labels, and dropped with them, so that who reads a label set reads one night''s words; of the latest night they follow segment_names.';
comment on column segmentation.label_names.label_set is 'The label set.';
comment on column segmentation.label_names.segment_id is 'The segment; 0 for outliers.';
comment on column segmentation.label_names.segment_name is 'Name of the segment.';
comment on column segmentation.label_names.recommended_action is 'What to do for its customers.';

create table segmentation.segments (
    as_of                   date not null,
    model                   text not null,
    segment_id              integer not null check (segment_id >= 0),
    segment_name            text not null,
    description             text not null,
    recommended_action      text not null,
    customers               bigint not null check (customers >= 0),
    share                   double precision not null check (share between 0 and 1),
    run_id                  bigint not null references segmentation.scoring_runs,
    model_version_id        bigint not null references segmentation.model_versions,
    rule                    text,
    rule_sql                text,
    rule_coverage           double precision check (rule_coverage between 0 and 1),
    rule_precision          double precision check (rule_precision between 0 and 1),
    rule_fidelity           double precision check (rule_fidelity between 0 and 1),
    stability               double precision check (stability between 0 and 1),
    stability_band          text check (stability_band in ('highly stable', 'valid', 'pattern', 'do not trust')),
    structure               text not null check (structure in ('structured', 'none')),
    averages_empty_because  text,
    primary key (as_of, model, segment_id)
);
comment on table segmentation.segments is 'One row per date, model and segment: the table that BI reads. Averages of the contract''s numeric columns follow as avg_<column>, rounded to three significant digits; averages_empty_because says why one is null.';
comment on column segmentation.segments.averages_empty_because is 'Why averages are null, by column where they differ: too few customers, nobody with a value, or an average that would tell that of too few. Null where no average is; then a null average is one of a column that was not in the contract on the date.';
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
comment on column segmentation.segments.rule is 'What the segment''s customers have in common, in plain words; "approximately" where fidelity, coverage or precision is below 0.9. Learnt when the version was trained.';
comment on column segmentation.segments.rule_sql is 'The same as a condition on the contract''s columns, in the contract''s units, for valid customers. Null for outliers and where no short rule exists.';
comment on column segmentation.segments.rule_coverage is 'Share of the segment''s customers that the rule selects, 0 to 1, in the training sample.';
comment on column segmentation.segments.rule_precision is 'Share of the customers selected by the rule that are in the segment, 0 to 1, in the training sample.';
comment on column segmentation.segments.rule_fidelity is 'Share of all customers that the version''s rules together put into their segment, 0 to 1, in the training sample.';
comment on column segmentation.segments.stability is 'Jaccard similarity of the segment with its like in bootstrapped trainings, mean, 0 to 1; null where it was not measured.';
comment on column segmentation.segments.stability_band is 'What that means (Hennig): highly stable from 0.85, valid from 0.75, pattern from 0.6, do not trust below.';
comment on column segmentation.segments.structure is 'structured: groups were found; none: the customers are a continuum, and the segments divide it.';

create table segmentation.rejected_customers (
    run_id       bigint not null references segmentation.scoring_runs,
    customer_id  text,
    reason       text not null,
    column_name  text not null,
    value        text
);
-- The planner's statistics would keep values of single customers whose rows are gone.
alter table segmentation.rejected_customers
    alter column customer_id set statistics 0, alter column value set statistics 0;
create index on segmentation.rejected_customers (run_id);
comment on table segmentation.rejected_customers is 'One row per source row that a run could not label; of a run that was refused for them, at most 100,000.';
comment on column segmentation.rejected_customers.run_id is 'The run.';
comment on column segmentation.rejected_customers.customer_id is 'The row''s key as text; null where it has none.';
comment on column segmentation.rejected_customers.reason is 'missing_key, duplicate_key, missing_value, wrong_type, not_convertible, not_finite or out_of_range.';
comment on column segmentation.rejected_customers.column_name is 'The column at fault.';
comment on column segmentation.rejected_customers.value is 'The value found there, as text.';

create table segmentation.segment_profiles (
    as_of                    date not null,
    model                    text not null,
    segment_id               integer not null check (segment_id >= 0),
    column_name              text not null,
    customers                bigint not null check (customers >= 0),
    mean                     double precision,
    minimum                  double precision,
    q1                       double precision,
    median                   double precision,
    q3                       double precision,
    maximum                  double precision,
    run_id                   bigint not null references segmentation.scoring_runs,
    mean_empty_because       text check ((mean_empty_because is null) = (mean is not null)),
    quartiles_empty_because  text check ((quartiles_empty_because is null) = (num_nulls(q1, median, q3) = 0)),
    extremes_empty_because   text check ((extremes_empty_because is null) = (num_nulls(minimum, maximum) = 0)),
    primary key (as_of, model, segment_id, column_name)
);
comment on table segmentation.segment_profiles is 'One row per date, model, segment and numeric column, rounded to three significant digits. Kept when the labels of a run are dropped.';
comment on column segmentation.segment_profiles.as_of is 'The business date.';
comment on column segmentation.segment_profiles.model is 'Name of the model: kmeans, dbscan, gmm.';
comment on column segmentation.segment_profiles.segment_id is 'Number of the segment, stable across versions; 0 for outliers.';
comment on column segmentation.segment_profiles.column_name is 'The column of the source contract.';
comment on column segmentation.segment_profiles.customers is 'Customers of the segment with a value in this column.';
comment on column segmentation.segment_profiles.mean is 'Mean, rounded; null: mean_empty_because.';
comment on column segmentation.segment_profiles.minimum is 'Smallest value, rounded; null: extremes_empty_because.';
comment on column segmentation.segment_profiles.q1 is 'First quartile, of a sample of about a thousand customers, chosen by a hash of their keys, rounded; null: quartiles_empty_because.';
comment on column segmentation.segment_profiles.median is 'Median, of the same sample.';
comment on column segmentation.segment_profiles.q3 is 'Third quartile, of the same sample.';
comment on column segmentation.segment_profiles.maximum is 'Largest value, rounded; null: extremes_empty_because.';
comment on column segmentation.segment_profiles.run_id is 'The run that made this row.';
comment on column segmentation.segment_profiles.mean_empty_because is 'Why mean is null: too few customers, nobody with a value, or the mean would tell that of too few; null where there is a mean.';
comment on column segmentation.segment_profiles.quartiles_empty_because is 'Why q1, median and q3 are null: as mean, or fewer than 20 customers; null where they are there.';
comment on column segmentation.segment_profiles.extremes_empty_because is 'Why minimum and maximum are null: as the quartiles, or one might be a value of too few customers; null where they are there.';

create table segmentation.overall_averages (
    as_of               date not null,
    model               text not null,
    column_name         text not null,
    customers           bigint not null check (customers >= 0),
    mean                double precision,
    mean_empty_because  text check ((mean_empty_because is null) = (mean is not null)),
    run_id              bigint not null references segmentation.scoring_runs,
    primary key (as_of, model, column_name)
);
comment on table segmentation.overall_averages is 'One row per date, model and numeric column: the average of all customers that the model labelled, whatever is left out of its segments.';
comment on column segmentation.overall_averages.as_of is 'The business date.';
comment on column segmentation.overall_averages.model is 'Name of the model.';
comment on column segmentation.overall_averages.column_name is 'The column of the source contract.';
comment on column segmentation.overall_averages.customers is 'Labelled customers with a value in this column.';
comment on column segmentation.overall_averages.mean is 'Mean of all of them, rounded to three significant digits as those of segments are; null: mean_empty_because.';
comment on column segmentation.overall_averages.mean_empty_because is 'Why mean is null: too few customers, or nobody with a value; null where there is a mean.';
comment on column segmentation.overall_averages.run_id is 'The run that made this row.';

create table segmentation.segment_events (
    event_id             bigint generated always as identity primary key,
    model                text not null,
    model_version_id     bigint not null references segmentation.model_versions,
    event                text not null
                         check (event in ('birth', 'death', 'split', 'merge', 'rename', 'retired', 'returned')),
    segment_id           integer check (segment_id >= 1),
    related_segment_ids  integer[] not null default '{}',
    jaccard              double precision check (jaccard between 0 and 1),
    description          text not null,
    occurred_at          timestamptz not null default now(),
    check ((segment_id is null) = (event in ('retired', 'returned')))
);
create index on segmentation.segment_events (model, segment_id);
comment on table segmentation.segment_events is 'One row per thing that happened to a segment, written when a version becomes champion, or to all segments of a model.';
comment on column segmentation.segment_events.event_id is 'Number of the event.';
comment on column segmentation.segment_events.model is 'Name of the model.';
comment on column segmentation.segment_events.model_version_id is 'The version that brought it about; for retired the one that labelled last, for returned the one that labels again.';
comment on column segmentation.segment_events.event is 'birth, death, split (one segment fell into several), merge (several became one) or rename. A birth or death that a split or merge explains has no row of its own. retired: the model has no labels any more; returned: it has again.';
comment on column segmentation.segment_events.segment_id is 'The segment: the one born, dead, split or renamed, or the one that took up the others in a merge. Null for what happens to the whole model: retired, returned.';
comment on column segmentation.segment_events.related_segment_ids is 'The parts of a split or merge; where the customers of a new segment come from; where those of a dead one go.';
comment on column segmentation.segment_events.jaccard is 'Largest overlap of the segment with a segment of the other version, 0 to 1; null where customers were not compared.';
comment on column segmentation.segment_events.description is 'The event in a sentence.';
comment on column segmentation.segment_events.occurred_at is 'When the version became champion, a person gave the name, or the model was retired or returned.';

create table segmentation.segment_names (
    model               text not null,
    segment_id          integer not null check (segment_id >= 0),
    segment_name        text check (segment_name <> '' and length(segment_name) <= 200),
    description         text,
    recommended_action  text,
    set_by              text not null default current_user,
    set_at              timestamptz not null default now(),
    primary key (model, segment_id),
    unique (model, segment_name)
);
comment on table segmentation.segment_names is 'What analysts call a segment in place of what the model calls it. Survives retraining; holds for the latest night at once and for those to come, former dates keep their words.';
comment on column segmentation.segment_names.model is 'Name of the model.';
comment on column segmentation.segment_names.segment_id is 'The segment.';
comment on column segmentation.segment_names.segment_name is 'Its name; null: as the model calls it.';
comment on column segmentation.segment_names.description is 'Its description; null: the model''s.';
comment on column segmentation.segment_names.recommended_action is 'What to do for its customers; null: the model''s.';
comment on column segmentation.segment_names.set_by is 'Who gave it.';
comment on column segmentation.segment_names.set_at is 'When it was given.';

create table segmentation.model_selection (
    model_version_id         bigint not null references segmentation.model_versions on delete cascade,
    candidate                integer not null check (candidate >= 1),
    chosen                   boolean not null,
    settings                 jsonb not null,
    verdict                  text not null,
    clusters                 integer,
    smallest_share           double precision check (smallest_share between 0 and 1),
    noise_share              double precision check (noise_share between 0 and 1),
    silhouette               double precision check (silhouette between -1 and 1),
    prediction_strength      double precision check (prediction_strength between 0 and 1),
    min_jaccard              double precision check (min_jaccard between 0 and 1),
    gap                      double precision,
    gap_error                double precision,
    bic                      double precision,
    figures                  jsonb not null,
    primary key (model_version_id, candidate)
);
create unique index one_chosen_a_version on segmentation.model_selection (model_version_id) where chosen;
comment on table segmentation.model_selection is 'One row per candidate that was tried for a version: its figures, and what speaks against it.';
comment on column segmentation.model_selection.model_version_id is 'The version.';
comment on column segmentation.model_selection.candidate is 'Number of the candidate, in the order in which they were proposed.';
comment on column segmentation.model_selection.chosen is 'True for the candidate that became the version.';
comment on column segmentation.model_selection.settings is 'Its settings, such as the number of clusters.';
comment on column segmentation.model_selection.verdict is 'What speaks against it, in words; "passed" when nothing does.';
comment on column segmentation.model_selection.clusters is 'Number of clusters, as of all figures here in a working sample of up to 5,000 customers; null when it could not be fitted.';
comment on column segmentation.model_selection.smallest_share is 'Share of the customers in the smallest cluster, 0 to 1.';
comment on column segmentation.model_selection.noise_share is 'Share of the customers in no cluster, 0 to 1.';
comment on column segmentation.model_selection.silhouette is 'Mean silhouette, -1 to 1; noise counts as 0.';
comment on column segmentation.model_selection.prediction_strength is 'Prediction strength of the weakest cluster, 0 to 1: the share of its pairs of customers that the clustering of the other half also puts together. Null where it was not measured, as of all figures that follow.';
comment on column segmentation.model_selection.min_jaccard is 'Smallest mean bootstrap Jaccard of any cluster, 0 to 1.';
comment on column segmentation.model_selection.gap is 'Gap statistic of the clusters less that of one cluster; K-Means only.';
comment on column segmentation.model_selection.gap_error is 'Its standard error.';
comment on column segmentation.model_selection.bic is 'Bayesian information criterion, smaller is better; Gaussian mixture only.';
comment on column segmentation.model_selection.figures is 'All figures, with those over customers without groups: separation, gap or likelihood over uniform noise and over noise that resembles the customers, and their standard errors.';

create table segmentation.segment_history (
    customer_id       {key_type} not null,
    model             text not null,
    segment_id        integer not null,
    valid_from        date not null,
    valid_to          date check (valid_to > valid_from),
    model_version_id  bigint not null
) partition by list (model);
comment on table segmentation.segment_history is 'One row per customer, model and period in one segment; only changes are stored, and they are kept for ever. Half-open: from valid_from up to, but without, valid_to. Partitioned by model; each partition finds a customer by an index.';
comment on column segmentation.segment_history.customer_id is 'The customer.';
comment on column segmentation.segment_history.model is 'Name of the model.';
comment on column segmentation.segment_history.segment_id is 'The segment, stable across versions; 0 for outliers.';
comment on column segmentation.segment_history.valid_from is 'The first published date of the period.';
comment on column segmentation.segment_history.valid_to is 'The first published date on which the customer was in another segment, or was not labelled; null while there is none.';
comment on column segmentation.segment_history.model_version_id is 'The version that labelled the customer on valid_from.';

create table segmentation.segment_migrations (
    as_of            date not null,
    previous_as_of   date not null check (previous_as_of < as_of),
    model            text not null,
    from_segment_id  integer check (from_segment_id is not null or to_segment_id is not null),
    to_segment_id    integer,
    customers        bigint not null check (customers > 0),
    by_behaviour     bigint check (by_behaviour >= 0),
    by_model         bigint check (by_model >= 0),
    by_source        bigint not null,
    by_time          bigint check (by_time >= 0),
    check ((by_behaviour is null) = (by_model is null)),
    check (by_source = case when num_nulls(from_segment_id, to_segment_id) > 0 then customers else 0 end),
    check (
        by_behaviour + by_model + by_source + coalesce(by_time, 0)
        = case when from_segment_id = to_segment_id then 0 else customers end
    )
);
create unique index segment_migrations_key on segmentation.segment_migrations
    (as_of, model, coalesce(from_segment_id, -1), coalesce(to_segment_id, -1));
comment on table segmentation.segment_migrations is 'One row per date, model, former and present segment: the customers who moved since the preceding published date, and those who stayed.';
comment on column segmentation.segment_migrations.as_of is 'The business date.';
comment on column segmentation.segment_migrations.previous_as_of is 'The published date of the model before it, with which it is compared. The first date has no rows.';
comment on column segmentation.segment_migrations.model is 'Name of the model.';
comment on column segmentation.segment_migrations.from_segment_id is 'The segment on previous_as_of; null: was not labelled then.';
comment on column segmentation.segment_migrations.to_segment_id is 'The segment on as_of; null: is not labelled any more. The same as from_segment_id: stayed.';
comment on column segmentation.segment_migrations.customers is 'Customers, exactly. By from_segment_id they add up to the segment''s customers on previous_as_of, by to_segment_id to those on as_of.';
comment on column segmentation.segment_migrations.by_behaviour is 'Those of them whose own change moved them: the version of previous_as_of, asked about the data of as_of, would not have left them where they were. 0 for those who stayed, or are labelled on one of the dates alone; null where that version could not be asked.';
comment on column segmentation.segment_migrations.by_model is 'Those whom only the change of version moved; null where by_behaviour is.';
comment on column segmentation.segment_migrations.by_source is 'Those who are labelled on one of the two dates alone: new in the source, missing from it, or rejected on the other date. customers = by_behaviour + by_model + by_source + by_time for all who moved; 0 for those who stayed.';
comment on column segmentation.segment_migrations.by_time is 'Those whom only the passing of time moved; null, which counts as 0: it is not told apart yet.';

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

create table segmentation.segment_groups (
    as_of            date not null,
    model            text not null,
    segment_id       integer not null check (segment_id >= 0),
    column_name      text not null,
    group_name       text not null,
    customers        bigint check (customers >= 0),
    group_customers  bigint check (group_customers >= 0),
    run_id           bigint not null references segmentation.scoring_runs,
    primary key (as_of, model, segment_id, column_name, group_name)
);
comment on table segmentation.segment_groups is 'One row per date, model, segment and group of a protected column. Numbers below min_group are left out, and so are the next larger ones from whose sums they could be told.';
comment on column segmentation.segment_groups.as_of is 'The business date.';
comment on column segmentation.segment_groups.model is 'Name of the model.';
comment on column segmentation.segment_groups.segment_id is 'Number of the segment, stable across versions; 0 for outliers.';
comment on column segmentation.segment_groups.column_name is 'The protected column of the source contract.';
comment on column segmentation.segment_groups.group_name is 'The value that the group has in common; "not given" without a value, "other" for all groups but the fifty largest.';
comment on column segmentation.segment_groups.customers is 'Customers of the group in the segment; null: too few to say.';
comment on column segmentation.segment_groups.group_customers is 'Customers of the group in all segments of the model; null: too few to say.';
comment on column segmentation.segment_groups.run_id is 'The run that made this row.';

create table segmentation.audit_log (
    audit_id       bigint generated always as identity primary key,
    occurred_at    timestamptz not null default now(),
    action         text not null
                   check (action in (
                       'name_segment', 'reset_segment_name', 'forget', 'drop_core_point', 'release_run', 'abandon_run',
                       'withdraw'
                   )),
    model          text,
    actor          text not null,
    database_user  text not null default session_user,
    description    text not null,
    detail         jsonb not null
);
create index on segmentation.audit_log (occurred_at);
comment on table segmentation.audit_log is 'One row per change that a person made, apart from decisions on versions, which are in promotions. Nothing here names a customer.';
comment on column segmentation.audit_log.audit_id is 'Number of the change.';
comment on column segmentation.audit_log.occurred_at is 'When it was made, by the server''s clock.';
comment on column segmentation.audit_log.action is 'name_segment, reset_segment_name, forget (a customer), drop_core_point (of a DBSCAN version), release_run or abandon_run (a held night), or withdraw (a published date of a model).';
comment on column segmentation.audit_log.model is 'The model that it is about, if it is about one.';
comment on column segmentation.audit_log.actor is 'Who made it, as the login says that wrote the row.';
comment on column segmentation.audit_log.database_user is 'The login that wrote the row, filled by the server.';
comment on column segmentation.audit_log.description is 'The change in a sentence.';
comment on column segmentation.audit_log.detail is 'What was there before and is there now; for forget a random request number and the rows removed by table; for withdraw the date, its run and the date that is current since.';

create function segmentation.audit_segment_names() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    former  jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    latter  jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    present jsonb := coalesce(latter, former);
begin
    insert into segmentation.audit_log (action, model, actor, description, detail)
    values (
        case when tg_op = 'DELETE' then 'reset_segment_name' else 'name_segment' end,
        present ->> 'model',
        coalesce(
            case when tg_op <> 'DELETE' then latter ->> 'set_by' end,
            nullif(current_setting('segmentation.actor', true), ''),
            session_user
        ),
        format(
            'Segment %s of %s: %s.', present ->> 'segment_id', present ->> 'model',
            case when tg_op = 'DELETE' then 'back to the model''s own words' else 'words of an analyst' end
        ),
        jsonb_build_object('before', former, 'after', latter)
    );
    return null;
end
$function$;
comment on function segmentation.audit_segment_names() is 'Notes who changed what people call a segment, whichever program they used.';
revoke execute on function segmentation.audit_segment_names() from public;
create trigger audit_segment_names
after insert or update or delete on segmentation.segment_names
for each row execute function segmentation.audit_segment_names();
comment on trigger audit_segment_names on segmentation.segment_names is 'Every change is noted in audit_log.';

create function segmentation.show_segment_name(of_model text, of_segment integer) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    shown record;
begin
    -- A night that is being published has read the words, and comes first.
    perform pg_advisory_xact_lock(hashtext('segmentation.segment_history'), hashtext(of_model));
    select
        current.as_of, made.label_set,
        coalesce(own.segment_name, cluster.words ->> 'segment_name') as segment_name,
        coalesce(own.description, cluster.words ->> 'description') as description,
        coalesce(own.recommended_action, cluster.words ->> 'recommended_action') as recommended_action
    into shown
    from (
        select published.as_of, published.run_id, published.model_version_id
        from segmentation.published_runs as published
        where published.model = of_model
        order by published.as_of desc
        limit 1
    ) as current
    join segmentation.run_models as made on made.run_id = current.run_id and made.model = of_model
    join segmentation.model_versions as version on version.model_version_id = current.model_version_id
    cross join lateral jsonb_array_elements(version.clusters) with ordinality as cluster (words, place)
    left join segmentation.segment_names as own on own.model = of_model and own.segment_id = of_segment
    where (cluster.words ->> 'segment_id')::integer = of_segment
    order by cluster.place
    limit 1;
    if not found then
        return;
    end if;
    update segmentation.segments as segment
    set
        segment_name = shown.segment_name, description = shown.description,
        recommended_action = shown.recommended_action
    where segment.as_of = shown.as_of and segment.model = of_model and segment.segment_id = of_segment;
    update segmentation.label_names as named
    set segment_name = shown.segment_name, recommended_action = shown.recommended_action
    where named.label_set = shown.label_set and named.segment_id = of_segment;
end
$function$;
comment on function segmentation.show_segment_name(text, integer) is 'Has the latest night of a model call a segment as people call it now.';
revoke execute on function segmentation.show_segment_name(text, integer) from public;

create function segmentation.show_segment_names() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    if tg_op <> 'INSERT' then
        perform segmentation.show_segment_name(old.model, old.segment_id);
    end if;
    if tg_op <> 'DELETE' then
        perform segmentation.show_segment_name(new.model, new.segment_id);
    end if;
    return null;
end
$function$;
comment on function segmentation.show_segment_names() is 'Has the latest night follow a change of what people call a segment, whichever program they used.';
revoke execute on function segmentation.show_segment_names() from public;
create trigger show_segment_names
after insert or update or delete on segmentation.segment_names
for each row execute function segmentation.show_segment_names();
comment on trigger show_segment_names on segmentation.segment_names is 'Words hold everywhere from the same moment on.';

revoke all on schema segmentation, segmentation_partitions, segmentation_staging from public;
