-- Returns the id of the champion that a version took the place of when it was promoted. Parameters: model_version_id.
select previous_version_id
from segmentation.promotions
where model_version_id = %(model_version_id)s and decision = 'promoted'
order by promotion_id desc
limit 1
