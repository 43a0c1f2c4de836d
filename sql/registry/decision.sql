-- Returns what somebody has decided on a version, the last word first. Parameters: model_version_id, decided_by.
select decision, reason
from segmentation.promotions
where model_version_id = %(model_version_id)s and decided_by = %(decided_by)s
order by promotion_id desc
limit 1
