-- Returns whether the history of a model knows anybody on a date. Parameters: model, as_of.
select exists (
    select
    from segmentation.segment_history
    where model = %(model)s and valid_from <= %(as_of)s and (valid_to is null or valid_to > %(as_of)s)
)
