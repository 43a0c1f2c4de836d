-- Returns what happened to a model's segments lately, newest first. Parameters: model, at_most.
select event.event, event.segment_id, event.description, event.occurred_at, version.version
from segmentation.segment_events as event
join segmentation.model_versions as version using (model_version_id)
where event.model = %(model)s
order by event.event_id desc
limit %(at_most)s
