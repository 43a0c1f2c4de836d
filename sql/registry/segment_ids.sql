-- Returns every segment id that a champion of a model has or had. Parameters: model.
select distinct (cluster ->> 'segment_id')::integer as segment_id
from segmentation.model_versions, jsonb_array_elements(clusters) as cluster
where model = %(model)s and status in ('champion', 'retired')
