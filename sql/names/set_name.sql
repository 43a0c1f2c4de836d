-- Names a segment; what is null stays as it was. Parameters: the columns.
insert into segmentation.segment_names as present (
    model, segment_id, segment_name, description, recommended_action, set_by
) values (
    %(model)s, %(segment_id)s, %(segment_name)s, %(description)s, %(recommended_action)s, %(set_by)s
)
on conflict (model, segment_id) do update
set
    segment_name = coalesce(excluded.segment_name, present.segment_name),
    description = coalesce(excluded.description, present.description),
    recommended_action = coalesce(excluded.recommended_action, present.recommended_action),
    set_by = excluded.set_by, set_at = now()
