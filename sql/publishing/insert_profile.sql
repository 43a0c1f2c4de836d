-- Adds the profile of a segment's column. Parameters: the columns.
insert into segmentation.segment_profiles (
    as_of, model, segment_id, column_name, customers, mean, minimum, q1, median, q3, maximum, run_id
) values (
    %(as_of)s, %(model)s, %(segment_id)s, %(column_name)s, %(customers)s, %(mean)s, %(minimum)s, %(q1)s, %(median)s,
    %(q3)s, %(maximum)s, %(run_id)s
)
