-- Makes the labels of one customer quick to find, and proves that nobody is labelled twice. Names: table.
create unique index on {table} (customer_id)
