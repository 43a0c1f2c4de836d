-- name: current
-- Returns the current label sets of some models, and whether their labels are files.
-- Parameters: models (an array of names).
select current.model, current.run_id, made.label_set, made.label_folder is not null as is_filed
from segmentation.current_models as current
join segmentation.run_models as made on made.run_id = current.run_id and made.model = current.model
where current.model = any(:models);

-- name: labels
-- Returns a customer's labels of some label sets, each with what the segments of its label set are called.
-- Names: label_sets (an array of numbers).
-- Parameters: customer_id.
select
    label.customer_id,
    label.model,
    label.as_of,
    label.cluster_label,
    label.segment_id,
    named.segment_name,
    label.confidence,
    label.model_version_id,
    (
        select jsonb_object_agg(of_set.segment_id, of_set.segment_name)
        from segmentation.label_names as of_set
        where of_set.label_set = label.label_set
    ) as segment_names,
    true as has_history
from segmentation.customer_labels as label
join segmentation.label_names as named on named.label_set = label.label_set and named.segment_id = label.segment_id
where label.customer_id = :customer_id and label.label_set = any({label_sets}::bigint[])
order by label.model;

-- name: periods
-- Returns a customer's periods by some models, in order, each with the causes of coming and of going that were told.
-- Parameters: customer_id, models (an array of names).
with told as (
    select change.model, change.as_of, change.from_segment_id, change.to_segment_id, change.cause, change.change_id
    from segmentation.segment_changes as change
    where
        change.customer_id = :customer_id
        -- What was told after a later date was withdrawn says of this one again what held.
        and not exists (
            select
            from segmentation.segment_changes as withdrawn
            where
                withdrawn.customer_id = change.customer_id and withdrawn.model = change.model
                and withdrawn.as_of > change.as_of and withdrawn.change_id < change.change_id
                and change.cause = 'correction'
        )
)
select
    period.model,
    period.segment_id,
    period.segment_name,
    period.valid_from,
    period.valid_to,
    (
        select told.cause
        from told
        where told.model = period.model and told.as_of = period.valid_from and told.to_segment_id = period.segment_id
        order by told.cause = 'correction', told.change_id
        limit 1
    ) as came_by,
    (
        select told.cause
        from told
        where told.model = period.model and told.as_of = period.valid_to and told.from_segment_id = period.segment_id
        order by told.cause = 'correction', told.change_id
        limit 1
    ) as went_by
from segmentation.customer_history as period
where period.customer_id = :customer_id and period.model = any(:models)
order by period.model, period.valid_from;
