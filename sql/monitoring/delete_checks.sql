-- Removes the checks that were written before for a run's date and the models for which it holds. Parameters: run_id, as_of.
delete from segmentation.drift_checks as checked
using segmentation.published_runs as published
where
    published.run_id = %(run_id)s and published.as_of = %(as_of)s
    and checked.as_of = published.as_of and checked.model = published.model
