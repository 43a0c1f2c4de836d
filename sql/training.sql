-- name: create_sample
-- Copies the rows with the smallest MD5 of the key's text, in UTF-8 and as bytes: every engine finds the same ones.
-- Names: sample, columns, key, table, rows.
create table {sample} as
select row_number() over () as sample_row, drawn.*
from (
    select {columns}
    from {table}
    where {key} is not null
    order by md5(convert_to({key}::text, 'UTF8')) collate "C", {key}
    limit {rows}
) as drawn;

-- name: copy_sample
-- Takes the rows of a sample from the client.
-- Names: sample.
copy {sample} from stdin with (format text);

-- name: create_sample_of_files
-- Makes the table of a sample whose rows come from files.
-- Names: sample, definitions.
create table {sample} ({definitions});

-- name: duplicated_keys
-- Returns the keys that stand in more than one of a sample's first rows.
-- Names: sample, rows, key.
select {key} as key from {sample} where sample_row <= {rows} group by {key} having count(*) > 1;

-- name: sample_rows
-- Returns the first rows of a sample, in its order.
-- Names: sample, rows.
select * from {sample} where sample_row <= {rows} order by sample_row;

-- name: held_run
-- Returns the latest run that waits for a person because of what was found on its customers.
select run_id, as_of from segmentation.scoring_runs where status = 'held' order by run_id desc limit 1;

-- name: stale_samples
-- Returns samples that are older than any retraining lasts.
-- Parameters: hours.
select class.relname as name
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
where
    namespace.nspname = 'segmentation_staging' and class.relname ~ '^sample_[0-9]{14}_'
    and to_timestamp(substr(class.relname, 8, 14), 'YYYYMMDDHH24MISS')::timestamp
        < (now() at time zone 'utc') - make_interval(hours => :hours);
