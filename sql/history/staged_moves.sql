-- Counts what a shard has staged, by former and present segment. Names: changes.
select from_segment, to_segment, count(*) as customers, count(*) filter (where by_model) as by_model
from {changes}
group by from_segment, to_segment
