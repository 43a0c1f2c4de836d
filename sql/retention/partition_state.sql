-- Returns whether a run's labels table is attached, pending (its detaching was interrupted), detached or gone.
-- Parameters: table.
select case
    when class.oid is null then 'gone'
    when inherits.inhrelid is null then 'detached'
    when inherits.inhdetachpending then 'pending'
    else 'attached'
end
from (select 'segmentation'::regnamespace::oid as namespace) as here
left join pg_class as class on class.relnamespace = here.namespace and class.relname = %(table)s
left join pg_inherits as inherits on inherits.inhrelid = class.oid
