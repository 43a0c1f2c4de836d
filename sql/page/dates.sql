-- Returns the latest dates published for a model, newest first. Parameters: model, at_most.
select as_of
from segmentation.published_runs
where model = %(model)s
order by as_of desc
limit %(at_most)s
