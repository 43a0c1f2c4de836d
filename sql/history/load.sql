-- Begins a period for every customer of a run. Names: table, labels. Parameters: model, as_of.
insert into {table} (customer_id, model, segment_id, valid_from, model_version_id)
select customer_id, %(model)s, segment_id, %(as_of)s, model_version_id from {labels}
