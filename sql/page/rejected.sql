-- Returns the rejected rows of a run by reason, most first. Parameters: run_id.
select counted.key as reason, sum(counted.value::bigint)::bigint as customers
from segmentation.run_shards as shard
cross join lateral jsonb_each_text(shard.reasons) as counted
where shard.run_id = %(run_id)s
group by counted.key
order by customers desc, reason
