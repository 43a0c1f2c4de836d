-- Returns whether a shard's labels lie in its range in the order of our own keys, which the source may order otherwise.
-- Names: table, key_type. Parameters: lower, upper.
select
    coalesce(%(lower)s::{key_type} < %(upper)s::{key_type}, true)
    and not exists (select from {table} where customer_id < %(lower)s::{key_type})
    and not exists (select from {table} where customer_id >= %(upper)s::{key_type})
