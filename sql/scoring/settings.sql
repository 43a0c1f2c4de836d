-- Fits the session to its work: shards index side by side already, and a sample of 9,000 rows shows every segment.
select
    set_config('max_parallel_maintenance_workers', '0', true),
    set_config('default_statistics_target', '30', true)
