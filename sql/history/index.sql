-- Makes the periods of one customer quick to find, and proves that no two begin on one date. Names: table.
create unique index on {table} (customer_id, valid_from)
