-- Returns a customer's key as the warehouse writes it. Names: key_type. Parameters: customer_id.
select %(customer_id)s::{key_type}::text
