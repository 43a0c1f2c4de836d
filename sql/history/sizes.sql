-- Returns the customers of each segment of a model on a date. Parameters: model, as_of.
select segment_id, customers from segmentation.segments where model = %(model)s and as_of = %(as_of)s
