-- Removes a model's movement to a date. Parameters: model, as_of.
delete from segmentation.segment_migrations where model = %(model)s and as_of = %(as_of)s
