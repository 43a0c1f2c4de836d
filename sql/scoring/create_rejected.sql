-- Makes the table of an attempt's rejected rows. Names: table.
create table {table} (customer_id text, reason text not null, column_name text not null, value text)
