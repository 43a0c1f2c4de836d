-- Returns what is published of a model on the date itself, the one before and the one after, in order, whether its labels
-- are still kept, and the model's latest date. Parameters: model, as_of.
select
    published.as_of, published.run_id, published.model_version_id,
    to_regclass(format('segmentation.labels_%%s_%%s', published.run_id, published.model_version_id)) is not null as kept,
    (select max(as_of) from segmentation.published_runs where model = %(model)s) as latest
from segmentation.published_runs as published
where
    published.model = %(model)s
    and published.as_of in (
        %(as_of)s,
        (select max(as_of) from segmentation.published_runs where model = %(model)s and as_of < %(as_of)s),
        (select min(as_of) from segmentation.published_runs where model = %(model)s and as_of > %(as_of)s)
    )
order by published.as_of
