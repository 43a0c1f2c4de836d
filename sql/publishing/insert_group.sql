-- Adds a protected group in a segment. Parameters: the columns.
insert into segmentation.segment_groups (
    as_of, model, segment_id, column_name, group_name, customers, group_customers, run_id
) values (
    %(as_of)s, %(model)s, %(segment_id)s, %(column_name)s, %(group_name)s, %(customers)s, %(group_customers)s, %(run_id)s
)
