-- Makes the labels of one customer quick to find, and proves that nobody is labelled twice. It holds the segment too, so
-- that the next date is compared with this one by reading the two indexes side by side. Names: table.
create unique index on {table} (customer_id) include (segment_id)
