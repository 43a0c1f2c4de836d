-- name: categories
-- Returns the category that most customers of a segment have, by column, of a model and a date.
-- Parameters: model, as_of.
select distinct on (held.segment_id, held.column_name)
    held.segment_id, held.column_name, held.group_name,
    held.customers::double precision / segment.customers as share
from segmentation.segment_groups as held
join segmentation.segments as segment
    on segment.as_of = held.as_of and segment.model = held.model and segment.segment_id = held.segment_id
where held.model = :model and held.as_of = :as_of and held.is_feature and held.customers > 0
order by held.segment_id, held.column_name, held.customers desc, held.group_name;

-- name: candidates
-- Returns the candidates that were tried for a version, the chosen one first.
-- Parameters: model_version_id.
select settings, chosen, verdict, clusters, figures
from segmentation.model_selection
where model_version_id = :model_version_id
order by chosen desc, candidate;

-- name: dates
-- Returns the latest dates published for a model, newest first.
-- Parameters: model, at_most.
select as_of
from segmentation.published_runs
where model = :model
order by as_of desc
limit :at_most;

-- name: decision
-- Returns the last decision on a version, with the figures and limits of the gate.
-- Parameters: model_version_id.
select decision, reason, decided_by, decided_at, coalesce(metrics -> 'checks', '[]'::jsonb) as checks
from segmentation.promotions
where model_version_id = :model_version_id
order by promotion_id desc
limit 1;

-- name: events
-- Returns what happened to a model's segments lately, newest first.
-- Parameters: model, at_most.
select event.event, event.segment_id, event.description, event.occurred_at, version.version
from segmentation.segment_events as event
join segmentation.model_versions as version using (model_version_id)
where event.model = :model
order by event.event_id desc
limit :at_most;

-- name: night
-- Returns the published run of a model and a date with its version, no row where there is none.
-- Parameters: model, as_of.
select
    published.as_of,
    published.run_id,
    published.model_version_id,
    made.label_set,
    published.published_at,
    version.version,
    version.structure,
    version.features,
    run.rows_read,
    run.rows_labelled,
    run.rows_rejected,
    run.labels_dropped_at,
    made.label_folder
from segmentation.published_runs as published
join segmentation.scoring_runs as run using (run_id)
join segmentation.run_models as made using (run_id, model)
join segmentation.model_versions as version on version.model_version_id = published.model_version_id
where published.model = :model and published.as_of = :as_of;

-- name: nights
-- Returns each of some models with its latest published date.
-- Parameters: models (an array of names).
select model, max(as_of) as latest
from segmentation.published_runs
where model = any(:models)
group by model;

-- name: overall_averages
-- Returns the averages of all customers that a model labelled on a date.
-- Parameters: model, as_of.
select column_name, mean, mean_empty_because
from segmentation.overall_averages
where model = :model and as_of = :as_of;

-- name: profiles
-- Returns the profiles of a model's segments on a date.
-- Parameters: model, as_of.
select
    segment_id, column_name, mean, minimum, q1, median, q3, maximum,
    mean_empty_because, quartiles_empty_because, extremes_empty_because
from segmentation.segment_profiles
where model = :model and as_of = :as_of;

-- name: rejected
-- Returns the rejected rows of a run by reason, most first.
-- Parameters: run_id.
select reason, count(*) as customers
from segmentation.rejected_customers
where run_id = :run_id
group by reason
order by customers desc, reason;

-- name: sample
-- Returns the labels with the smallest hashes of the key among a portion of a run's.
-- Names: portion (a sampling clause, or nothing), label_set.
-- Parameters: at_most.
select customer_id::text as customer_id, segment_id, confidence
from segmentation.customer_labels {portion}
where label_set = {label_set}
order by hashtextextended(customer_id::text, 0), customer_labels.customer_id
limit :at_most;

-- name: segments
-- Returns the segments of a model and a date with their size on a former date.
-- Parameters: model, as_of, former.
select segment.*, former.customers as former_customers, former.share as former_share
from segmentation.segments as segment
left join segmentation.segments as former
    on former.as_of = :former and former.model = segment.model and former.segment_id = segment.segment_id
where segment.model = :model and segment.as_of = :as_of
order by segment.segment_id = 0, segment.segment_id;

-- name: set_timeout
-- Ends this transaction's statements after a time.
-- Parameters: milliseconds (as text).
select set_config('statement_timeout', :milliseconds, true);

-- name: sizes
-- Returns the size of every segment of a model since a date, oldest first.
-- Parameters: model, since.
select as_of, segment_id, segment_name, customers, share
from segmentation.segments
where model = :model and as_of >= :since
order by segment_id = 0, segment_id, as_of;

-- name: training
-- Returns how a version was trained.
-- Parameters: model_version_id.
select algorithm, sample_rows, trained_at
from segmentation.model_versions
where model_version_id = :model_version_id;

-- name: versions
-- Returns the latest versions of a model, newest first.
-- Parameters: model, at_most.
select
    model_version_id, version, status, structure, metrics, sample_rows, trained_at,
    artifact_pruned_at is not null as is_pruned
from segmentation.model_versions
where model = :model
order by version desc
limit :at_most;
