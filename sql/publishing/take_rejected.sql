-- Copies a shard's rejected rows. Names: table. Parameters: run_id.
insert into segmentation.rejected_customers (run_id, customer_id, reason, column_name, value)
select %(run_id)s, customer_id, reason, column_name, value from {table}
