-- Returns the runs that neither began nor staged anything for so long. Parameters: hours.
select run.run_id
from segmentation.scoring_runs as run
where
    run.status = 'running'
    and greatest(
        run.started_at,
        (select max(shard.finished_at) from segmentation.run_shards as shard where shard.run_id = run.run_id)
    ) < now() - make_interval(hours => %(hours)s)
order by run.run_id
