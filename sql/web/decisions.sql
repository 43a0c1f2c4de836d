-- Returns the latest decisions on versions of a model, newest first. Parameters: model, at_most.
select decided.version, promotion.decision, promotion.reason, promotion.decided_by, promotion.decided_at
from segmentation.promotions as promotion
join segmentation.model_versions as decided using (model_version_id)
where promotion.model = %(model)s
order by promotion.promotion_id desc
limit %(at_most)s
