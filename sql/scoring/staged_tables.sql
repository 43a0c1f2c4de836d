-- Returns the names of staging tables. Parameters: pattern, a regular expression.
select class.relname as name
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
where
    namespace.nspname = 'segmentation_staging' and class.relkind in ('r', 'p') and class.relname ~ %(pattern)s
order by class.relname
