-- Returns when each model got its first champion, no row for one that never had one. Parameters: models, an array of names.
select model, min(decided_at) as decided_at
from segmentation.promotions
where model = any(%(models)s) and decision = 'promoted'
group by model
order by min(decided_at), model
