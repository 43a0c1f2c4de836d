-- Stages the customers of a range whose segment is not what it was, null standing for no label.
-- Names: changes, base, table, key_type. Parameters: lower, upper.
create table {changes} as
select customer_id, former.segment_id as from_segment, latter.segment_id as to_segment, false as by_model
from (
    select customer_id, segment_id
    from {base}
    where
        (%(lower)s::{key_type} is null or customer_id >= %(lower)s::{key_type})
        and (%(upper)s::{key_type} is null or customer_id < %(upper)s::{key_type})
) as former
full join {table} as latter using (customer_id)
where former.segment_id is distinct from latter.segment_id
