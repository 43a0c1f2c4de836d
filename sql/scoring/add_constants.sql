-- Adds the columns that are the same in every row, checked so that attaching need not scan. Names: table and the values.
alter table {table}
    add column run_id bigint not null default {run_id},
    add column model_version_id bigint not null default {model_version_id},
    add column shard smallint not null default {shard},
    add check (run_id = {run_id} and model_version_id = {model_version_id} and shard = {shard})
