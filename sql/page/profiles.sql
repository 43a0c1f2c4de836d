-- Returns the profiles of a model's segments on a date. Parameters: model, as_of.
select segment_id, column_name, customers, mean, minimum, q1, median, q3, maximum
from segmentation.segment_profiles
where model = %(model)s and as_of = %(as_of)s
