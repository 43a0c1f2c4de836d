-- Returns the versions whose artifacts nothing needs any more: not among the newest, not champion, not the one to roll back to, and without
-- labels that are still kept. Parameters: model, keep, a number of versions, former, the id of the champion before the present.
select version.model_version_id, version.version
from segmentation.model_versions as version
where
    version.model = %(model)s and version.status <> 'champion' and version.artifact_pruned_at is null
    and version.model_version_id is distinct from %(former)s
    and version.version <= (
        select max(newest.version) from segmentation.model_versions as newest where newest.model = %(model)s
    ) - %(keep)s
    and not exists (
        select
        from segmentation.run_models as model
        join segmentation.scoring_runs as run on run.run_id = model.run_id
        where
            model.model_version_id = version.model_version_id
            and run.status in ('running', 'published', 'replaced') and run.labels_dropped_at is null
    )
order by version.version
