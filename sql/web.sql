-- name: champions
-- Returns the champions of some models with what they were made of.
-- Parameters: models (an array of names).
select model, version, structure, algorithm, features, settings, metrics, trained_at
from segmentation.model_versions
where status = 'champion' and model = any(:models);

-- name: decisions
-- Returns the latest decisions on versions of a model, newest first, each with the figures and limits of the gate.
-- Parameters: model, at_most.
select
    decided.version, promotion.decision, promotion.reason, promotion.decided_by, promotion.decided_at,
    coalesce(promotion.metrics -> 'checks', '[]'::jsonb) as checks
from segmentation.promotions as promotion
join segmentation.model_versions as decided using (model_version_id)
where promotion.model = :model
order by promotion.promotion_id desc
limit :at_most;

-- name: segments
-- Returns the current segments of some models, with every column.
-- Parameters: models (an array of names).
select *
from segmentation.current_segments
where model = any(:models)
order by model, segment_id;

-- name: sizes
-- Returns the size of a segment on its latest dates, oldest first.
-- Parameters: model, segment_id, at_most.
select as_of, customers, share
from (
    select as_of, customers, share
    from segmentation.segments
    where model = :model and segment_id = :segment_id
    order by as_of desc
    limit :at_most
) as latest
order by as_of;

-- name: versions
-- Returns the latest versions of a model, newest first.
-- Parameters: model, at_most.
select version, status, structure, metrics, sample_rows, trained_at
from segmentation.model_versions
where model = :model
order by version desc
limit :at_most;
