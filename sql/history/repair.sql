-- Writes the periods around a date anew for the customers of whom the history said otherwise. Their periods are those
-- that touch the time from the date before to the date after, if there is one: what led to the date (before), what the
-- labels say, and what follows (after). Names: differences.
-- Parameters: model, as_of, model_version_id, next_date, next_version_id; the last two null where no date follows.
with gone as (
    delete from segmentation.segment_history as period
    using {differences} as difference
    where
        period.model = %(model)s and period.customer_id = difference.customer_id
        and period.valid_from <= coalesce(%(next_date)s::date, %(as_of)s)
        and (period.valid_to is null or period.valid_to >= %(as_of)s)
    returning
        period.customer_id, period.segment_id, period.valid_from, period.valid_to, period.model_version_id,
        period.valid_from < %(as_of)s as is_before,
        period.valid_to is null or period.valid_to > %(next_date)s::date as is_after
),
around as (
    select
        difference.customer_id,
        difference.to_segment as segment_id,
        max(gone.segment_id) filter (where gone.is_before) as before_id,
        max(gone.valid_from) filter (where gone.is_before) as before_from,
        max(gone.model_version_id) filter (where gone.is_before) as before_version,
        case
            when %(next_date)s::date is null then difference.to_segment
            else max(gone.segment_id) filter (where gone.is_after)
        end as after_id,
        case when %(next_date)s::date is not null then max(gone.valid_to) filter (where gone.is_after) end as after_to
    from {differences} as difference
    left join gone on gone.customer_id = difference.customer_id
    group by difference.customer_id, difference.to_segment
)
insert into segmentation.segment_history (customer_id, model, segment_id, valid_from, valid_to, model_version_id)
select around.customer_id, %(model)s, piece.segment_id, piece.valid_from, piece.valid_to, piece.model_version_id
from around
cross join lateral (
    values
        (
            before_id is distinct from segment_id,
            before_id, before_from, %(as_of)s::date, before_version
        ),
        (
            true,
            segment_id,
            case when before_id = segment_id then before_from else %(as_of)s::date end,
            case when after_id = segment_id then after_to else %(next_date)s::date end,
            case when before_id = segment_id then before_version else %(model_version_id)s::bigint end
        ),
        (
            after_id is distinct from segment_id,
            after_id, %(next_date)s::date, after_to, %(next_version_id)s::bigint
        )
) as piece (is_one, segment_id, valid_from, valid_to, model_version_id)
where piece.is_one and piece.segment_id is not null
