-- Returns the source's rows of a customer. Names: columns, table, key, key_type, customer.
select {columns} from {table} where {key} = {customer}::{key_type}
