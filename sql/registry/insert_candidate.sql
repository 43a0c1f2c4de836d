-- Adds a candidate of a version. Parameters: the columns.
insert into segmentation.model_selection (
    model_version_id, candidate, chosen, settings, verdict, clusters, smallest_share, noise_share, silhouette,
    prediction_strength, min_jaccard, gap, gap_error, bic, figures
) values (
    %(model_version_id)s, %(candidate)s, %(chosen)s, %(settings)s, %(verdict)s, %(clusters)s, %(smallest_share)s,
    %(noise_share)s, %(silhouette)s, %(prediction_strength)s, %(min_jaccard)s, %(gap)s, %(gap_error)s, %(bic)s,
    %(figures)s
)
