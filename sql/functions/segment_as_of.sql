-- The segments of a day.
-- Called by: segmentation_reader.

create or replace function segmentation.segment_as_of(day date)
returns table (
    as_of         date,
    model         text,
    customer_id   {key_type},
    segment_id    integer,
    segment_name  text,
    valid_from    date
)
language sql stable
as $function$
    select
        published.as_of, period.model, period.customer_id, period.segment_id, segment.segment_name, period.valid_from
    from (
        select latest.model, max(latest.as_of) as as_of
        from segmentation.segments as latest
        where latest.as_of <= $1
        group by latest.model
    ) as published
    join segmentation.segment_history as period
        on period.model = published.model
        and period.valid_from <= $1 and (period.valid_to is null or period.valid_to > $1)
    join segmentation.segments as segment
        on segment.as_of = published.as_of and segment.model = period.model and segment.segment_id = period.segment_id
$function$;
comment on function segmentation.segment_as_of(date) is 'The segment that each customer was in on a day, by each model: one row per model and customer. A day that was not published is answered with the published date before it, which as_of names; segment_name is the name on that date, valid_from when the customer came into the segment. Of one customer: where customer_id = …';
