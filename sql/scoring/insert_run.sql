-- Adds a run and returns its id. Parameters: as_of, dry_run, requested_by, source, source_time, source_layout.
insert into segmentation.scoring_runs (as_of, dry_run, requested_by, source, source_time, source_layout)
values (%(as_of)s, %(dry_run)s, %(requested_by)s, %(source)s, %(source_time)s, %(source_layout)s)
returning run_id
