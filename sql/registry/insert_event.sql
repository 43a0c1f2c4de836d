-- Adds an event of a segment. Parameters: the columns.
insert into segmentation.segment_events (
    model, model_version_id, event, segment_id, related_segment_ids, jaccard, description
) values (
    %(model)s, %(model_version_id)s, %(event)s, %(segment_id)s, %(related_segment_ids)s, %(jaccard)s, %(description)s
)
