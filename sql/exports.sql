-- name: advance
-- Notes those as told of who have come into an audience.
-- Names: audience_rows (a query of the audience).
-- Parameters: audience, destination, as_of.
insert into segmentation.export_recipients as told (customer_id, audience, destination, first_as_of, member_from)
select member.customer_id, sent.audience, sent.destination, sent.day, sent.day as member_from
from ({audience_rows}) as member
cross join (values (:audience, :destination, :as_of::date)) as sent (audience, destination, day)
on conflict (customer_id, audience, destination) do update
set member_from = excluded.member_from, member_to = null
where told.member_from is null or told.member_to is not null;

-- name: avoid_nested_loops
-- Joins customers by sorting or hashing until the transaction ends: the planner knows nothing of rows that
-- were just written, and where it expects few, it would look for each of many among all others.
select set_config('enable_nestloop', 'off', true);

-- name: begin
-- Notes that an audience is about to be sent, and returns the number of the attempt.
-- Parameters: audience, destination, location, model, as_of, run_id, contents.
insert into segmentation.exports (audience, destination, location, model, as_of, run_id, contents)
values (:audience, :destination, :location, :model, :as_of, :run_id, :contents)
returning export_id;

-- name: changed
-- Returns who has come into an audience on a date or left it, as it was noted.
-- Names: columns, empty_columns, audience_rows (a query of the audience), audience, destination, as_of.
select 'entered'::text as change, {columns}
from ({audience_rows}) as member
join segmentation.export_recipients as told on told.customer_id = member.recipient
where told.audience = {audience} and told.destination = {destination} and told.member_from = {as_of}
union all
select 'left'::text, {empty_columns}
from segmentation.export_recipients as told
where told.audience = {audience} and told.destination = {destination} and told.member_to = {as_of};

-- name: clean_keys
-- Returns how many keys of a suppression list there are, and how many of them no customer can have.
-- Names: table, column, readable (whether a key can be read).
select count(*) as keys, count(*) filter (where not {readable}) as unreadable
from {table} as suppressed
where suppressed.{column} is not null;

-- name: finish
-- Notes what became of an attempt.
-- Parameters: export_id, status, members.
update segmentation.exports
set
    status = :status, members = coalesce(:members, members),
    sent_at = case when :status = 'sent' then statement_timestamp() end,
    withdrawn_at = case
        when withdrawn_at is not null then withdrawn_at
        when
            :status = 'sent' and not exists (
                select
                from segmentation.published_runs as published
                where published.model = exports.model and published.as_of = exports.as_of
            )
        then statement_timestamp()
    end
where export_id = :export_id;

-- name: hold_forgetting
-- Waits for customers who are being forgotten or given other keys, and lets nobody be until the transaction ends.
lock table segmentation.scoring_runs in row exclusive mode;

-- name: holds
-- Returns whether what a destination has of an audience is of a run and date: the last that was sent, or, where each
-- date has a place of its own, the last of the date.
-- Parameters: audience, destination, as_of, run_id, contents, dated.
select coalesce(
    (
        select sent.as_of = :as_of and sent.run_id = :run_id and sent.contents = :contents
        from segmentation.exports as sent
        where
            sent.audience = :audience and sent.destination = :destination and sent.status = 'sent'
            and (not :dated or sent.as_of = :as_of)
        order by sent.export_id desc
        limit 1
    ),
    false
) as holds;

-- name: json_lines
-- Returns rows as JSON, a text each.
-- Names: audience_rows (a query).
select row_to_json(one)::text as line from ({audience_rows}) as one;

-- name: label_set
-- Returns the label set that holds for a model: of a date, or else of its latest.
-- Parameters: model, as_of.
select published.as_of, published.run_id, made.label_set, run.labels_expired_at is not null as is_expired
from segmentation.published_runs as published
join segmentation.scoring_runs as run on run.run_id = published.run_id
join segmentation.run_models as made on made.run_id = published.run_id and made.model = published.model
where
    published.model = :model and published.as_of = coalesce(:as_of, published.as_of)
    and (
        :as_of::date is not null
        or not exists (
            select
            from segmentation.model_retirements as retired
            where retired.model = published.model and retired.returned_on is null
        )
    )
order by published.as_of desc
limit 1;

-- name: last_sent
-- Returns the latest date before a date that was sent, and the latest of all.
-- Parameters: audience, destination, as_of.
select max(as_of) filter (where as_of < :as_of) as before, max(as_of) as latest
from segmentation.exports
where audience = :audience and destination = :destination and contents = 'changes' and status = 'sent';

-- name: leave
-- Notes those as told of who are no longer in an audience.
-- Names: audience_rows (a query of the audience).
-- Parameters: audience, destination, as_of.
update segmentation.export_recipients as told
set member_to = :as_of
where
    told.audience = :audience and told.destination = :destination
    and told.member_from is not null and told.member_to is null
    and not exists (
        select from ({audience_rows}) as member where member.customer_id = told.customer_id
    );

-- name: members
-- Returns the customers of an audience.
-- Names: columns, label_set, source, on_source, in_segments, is_clear, allowed, ranking (or nothing).
select {columns}
from segmentation.customer_labels as label
join segmentation.label_names as named on named.label_set = label.label_set and named.segment_id = label.segment_id
join {source} on {on_source}
where label.label_set = {label_set} and {in_segments} and {is_clear} and {allowed} {ranking};

-- name: names
-- Returns the segments of a label set.
-- Parameters: label_set.
select segment_id, segment_name from segmentation.label_names where label_set = :label_set order by segment_id;

-- name: note_recipients
-- Notes who is sent for the first time, in the order of the index.
-- Names: audience_rows (a query of the audience).
-- Parameters: audience, destination, as_of.
insert into segmentation.export_recipients (customer_id, audience, destination, first_as_of)
select fresh.customer_id, :audience, :destination, :as_of::date
from ({audience_rows}) as fresh
where
    not exists (
        select
        from segmentation.export_recipients as told
        where told.customer_id = fresh.customer_id and told.audience = :audience and told.destination = :destination
    )
order by fresh.customer_id;

-- name: sent_to
-- Returns where a customer was sent, or may have been.
-- Parameters: customer_id.
select recipient.audience, recipient.destination, recipient.first_as_of as since
from segmentation.export_recipients as recipient
where recipient.customer_id::text = :customer_id
order by recipient.audience, recipient.destination;

-- name: share_snapshot
-- Returns the name by which another transaction can see what this one sees.
select pg_export_snapshot();

-- name: note_withdrawal
-- Notes that a date was withdrawn of models after it was sent, or while it is being sent; returns where it went.
-- Parameters: as_of, models.
with withdrawn as (
    update segmentation.exports
    set withdrawn_at = now()
    where as_of = :as_of and model = any(:models) and status <> 'failed' and withdrawn_at is null
    returning audience, destination, location
)

select distinct audience, destination, location from withdrawn order by 1, 2, 3;

-- name: still_holds
-- Returns whether a run is still the one that is published for a model and date.
-- Parameters: model, as_of, run_id.
select exists (
    select
    from segmentation.published_runs
    where model = :model and as_of = :as_of and run_id = :run_id
) as holds;

-- name: take_turn
-- Returns whether nobody else sends an audience, and keeps everybody from it until the transaction ends.
-- Parameters: audience, destination.
select pg_try_advisory_xact_lock(hashtext('segmentation.exports'), hashtext(:audience || ' ' || :destination));

-- name: undo_after
-- Takes back what was noted of an audience after a date, null: at all; it was not sent, or is sent again.
-- Parameters: audience, destination, as_of.
update segmentation.export_recipients as told
set
    member_from = case when told.member_from > coalesce(:as_of::date, '-infinity') then null else told.member_from end,
    member_to = case when told.member_to > coalesce(:as_of::date, '-infinity') then null else told.member_to end
where
    told.audience = :audience and told.destination = :destination
    and (
        told.member_from > coalesce(:as_of::date, '-infinity') or told.member_to > coalesce(:as_of::date, '-infinity')
    );
