-- Returns the published run of a model and a date with its version, no row where there is none. Parameters: model, as_of.
select
    published.as_of,
    published.run_id,
    published.model_version_id,
    published.published_at,
    version.version,
    version.structure,
    version.features,
    version.metrics,
    run.rows_read,
    run.rows_labelled,
    run.rows_rejected,
    run.labels_dropped_at
from segmentation.published_runs as published
join segmentation.scoring_runs as run using (run_id)
join segmentation.model_versions as version using (model_version_id)
where published.model = %(model)s and published.as_of = %(as_of)s
