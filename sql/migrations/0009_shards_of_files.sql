-- Customers who come from files: what each shard reads of which, and whose keys stand twice.

alter table segmentation.run_shards add column files jsonb, add column repeated_keys jsonb;
comment on table segmentation.run_shards is 'The manifest of a run: its key ranges or parts of files, and what the one attempt that won each of them staged.';
comment on column segmentation.run_shards.files is 'What the shard reads where customers come from files: a list of row groups, each with its file (path below the folder, size in bytes, modified in nanoseconds since 1970), from first up to, but without, last, and its rows; null for a table.';
comment on column segmentation.run_shards.repeated_keys is 'The keys of the shard that stand in several rows of the files, of any shard; null: none, a table, or the run has ended.';
