-- Adds a candidate and returns its id. Parameters: the columns.
insert into segmentation.model_versions (
    model, version, structure, algorithm, features, settings, metrics, clusters,
    artifact, artifact_sha256, sample_rule, sample_rows, sample_sha256, library_versions
) values (
    %(model)s, %(version)s, %(structure)s, %(algorithm)s, %(features)s, %(settings)s, %(metrics)s, %(clusters)s,
    %(artifact)s, %(artifact_sha256)s, %(sample_rule)s, %(sample_rows)s, %(sample_sha256)s, %(library_versions)s
)
returning model_version_id
