-- Returns the rows of the versions that were champions at a moment. Parameters: models, an array of names; moment.
select distinct on (decision.model)
    version.model_version_id, version.model, version.version, version.status, version.structure, version.metrics,
    version.clusters, version.artifact, version.artifact_sha256, version.artifact_pruned_at
from segmentation.promotions as decision
join segmentation.model_versions as version on version.model_version_id = decision.model_version_id
where
    decision.model = any(%(models)s) and decision.decision in ('promoted', 'rolled_back')
    and decision.decided_at < %(moment)s
-- Decisions on a model wait for one another before they are numbered: the last number is the last word.
order by decision.model, decision.promotion_id desc
