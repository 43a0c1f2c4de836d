-- Returns how many rows have a key. Names: table, column, cast. Parameters: customer_id.
select count(*) from {table} where {column}{cast} = %(customer_id)s
