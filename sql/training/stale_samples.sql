-- Returns samples that are older than any retraining lasts. Parameters: hours.
select class.relname as name
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
where
    namespace.nspname = 'segmentation_staging' and class.relname ~ '^sample_[0-9]{{14}}_'
    and to_timestamp(substr(class.relname, 8, 14), 'YYYYMMDDHH24MISS')::timestamp
        < (now() at time zone 'utc') - make_interval(hours => %(hours)s)
