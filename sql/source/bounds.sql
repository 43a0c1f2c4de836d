-- Returns the keys that cut a table into parts of about equal size. Names: table, key, sample. Parameters: fractions.
select percentile_disc(%(fractions)s::double precision[]) within group (order by {key})::text[] as bounds
from {table} {sample}
where {key} is not null
