-- name: delete_name
-- Gives a segment back to the model's own naming.
-- Parameters: model, segment_id.
delete from segmentation.segment_names where model = :model and segment_id = :segment_id;

-- name: own_names
-- Returns what analysts call the segments of some models.
-- Parameters: models (an array of names).
select model, segment_id, segment_name, description, recommended_action
from segmentation.segment_names
where model = any(:models);

-- name: shown
-- Returns the latest published date of a model, if it has the segment.
-- Parameters: model, segment_id.
select max(published.as_of) as as_of
from segmentation.published_runs as published
where published.model = :model
having exists (
    select
    from segmentation.segments as segment
    where segment.model = :model and segment.segment_id = :segment_id and segment.as_of = max(published.as_of)
);

-- name: set_name
-- Names a segment; what is null stays as it was.
-- Parameters: model, segment_id, segment_name, description, recommended_action, set_by.
insert into segmentation.segment_names as present (
    model, segment_id, segment_name, description, recommended_action, set_by
) values (
    :model, :segment_id, :segment_name, :description, :recommended_action, :set_by
)
on conflict (model, segment_id) do update
set
    segment_name = coalesce(excluded.segment_name, present.segment_name),
    description = coalesce(excluded.description, present.description),
    recommended_action = coalesce(excluded.recommended_action, present.recommended_action),
    set_by = excluded.set_by, set_at = now();
