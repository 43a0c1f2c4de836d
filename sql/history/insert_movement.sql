-- Adds the customers who moved between two segments, or stayed in one. Parameters: the columns.
insert into segmentation.segment_migrations (
    as_of, previous_as_of, model, from_segment_id, to_segment_id, customers, by_behaviour, by_model
) values (
    %(as_of)s, %(previous_as_of)s, %(model)s, %(from_segment_id)s, %(to_segment_id)s, %(customers)s, %(by_behaviour)s,
    %(by_model)s
)
