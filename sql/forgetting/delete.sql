-- Removes a customer's rows. Names: table, column, cast. Parameters: customer_id.
delete from {table} where {column}{cast} = %(customer_id)s
