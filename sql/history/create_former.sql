-- Makes the table of the customers whom the preceding date's version would put into another segment. Names: table, key_type.
create table {table} (customer_id {key_type} not null, segment_id integer not null)
