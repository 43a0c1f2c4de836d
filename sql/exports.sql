-- name: attempts
-- Returns the attempts of which a destination of changes may have any: those of the latest date before a date that was
-- sent, null: the latest of all, and later ones, or without any all, that are not known to have ended.
-- Parameters: audience, destination, as_of.
select attempt.export_id, attempt.label_set, attempt.segments, attempt.min_confidence
from segmentation.exports as attempt
where
    attempt.audience = :audience and attempt.destination = :destination and attempt.contents = 'changes'
    and attempt.as_of < coalesce(:as_of::date, 'infinity')
    and attempt.as_of >= coalesce(
        (
            select max(sent.as_of)
            from segmentation.exports as sent
            where
                sent.audience = :audience and sent.destination = :destination and sent.contents = 'changes'
                and sent.status = 'sent' and sent.as_of < coalesce(:as_of::date, 'infinity')
        ),
        '-infinity'
    )
    and (
        attempt.status = 'sent'
        or attempt.status = 'started' and (
            attempt.label_set is not null
            or exists (select from segmentation.export_recipients as listed where listed.export_id = attempt.export_id)
        )
    )
order by attempt.export_id;

-- name: begin
-- Notes that an audience is about to be sent, and returns the number of the attempt.
-- Parameters: audience, destination, location, model, as_of, run_id, contents, other_models, other_runs.
insert into segmentation.exports (
    audience, destination, location, model, as_of, run_id, contents, other_models, other_runs
)
values (
    :audience, :destination, :location, :model, :as_of, :run_id, :contents, :other_models::text[],
    :other_runs::bigint[]
)
returning export_id;

-- name: changed
-- Returns who has come into an audience or left it since other attempts to send it: entered is who was not in each of
-- them, since the destination may have any of them, and left who was in one. A customer who has another key since has
-- left by the former one, and entered by the new one.
-- Names: columns, empty_columns, audience_rows, audience_keys (queries of the audience), known (a query of whom the
-- attempts had, with the number of them), attempts, audience, destination, as_of, entered,
-- gone (what either is called).
with former as (
    select customer_id, former_id
    from segmentation.export_former_keys
    where audience = {audience} and destination = {destination} and (told_as_of is null or told_as_of = {as_of})
)

select {entered} as change, {columns}
from ({audience_rows}) as member
left join ({known}) as known on known.customer_id = member.recipient and known.times = {attempts}
left join (select distinct customer_id from former) as renamed on renamed.customer_id = member.recipient
where known.customer_id is null or renamed.customer_id is not null
union all
select {gone}, {empty_columns}
from (
    select known.customer_id
    from ({known}) as known
    where
        not exists (select from ({audience_keys}) as member where member.customer_id = known.customer_id)
        and not exists (select from former where former.customer_id = known.customer_id)
    union all
    select former_id from former
) as told;

-- name: clean_keys
-- Returns how many keys of a suppression list there are, and how many of them no customer can have.
-- Names: table, column, readable (whether a key can be read).
select count(*) as keys, count(*) filter (where not {readable}) as unreadable
from {table} as suppressed
where suppressed.{column} is not null;

-- name: copy_csv
-- Sends rows as comma-separated values, below a line with their names.
-- Names: audience_rows (a query).
copy (select one.* from ({audience_rows}) as one) to stdout (format csv, header);

-- name: copy_json_lines
-- Sends rows as JSON, one a line. What quotes and separates never stands in JSON, so nothing is quoted.
-- Names: audience_rows (a query of columns as JSON), line (the object that they make).
copy (
    select {line} from ({audience_rows}) as one
) to stdout (format csv, delimiter e'\x02', quote e'\x01');

-- name: count_listed
-- Returns how many lists of who was sent have a customer.
-- Names: key_type.
-- Parameters: customer_id.
select count(*) from segmentation.export_recipients where :customer_id::{key_type} = any(customer_ids);

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
            or :status = 'sent' and exists (
                select
                from unnest(exports.other_models) as other (model)
                where
                    not exists (
                        select
                        from segmentation.published_runs as published
                        where published.model = other.model and published.as_of = exports.as_of
                    )
            )
        then statement_timestamp()
    end
where export_id = :export_id;

-- name: followed
-- Returns the audiences of changes that were sent, or are being sent, by destination.
select distinct audience, destination
from segmentation.exports
where contents = 'changes' and status <> 'failed'
order by audience, destination;

-- name: forget_former_key
-- Removes what tells that a customer had another key.
-- Names: key_type.
-- Parameters: customer_id.
delete from segmentation.export_former_keys where former_id = :customer_id::{key_type};

-- name: forget_listed
-- Takes a customer out of the lists of who was sent.
-- Names: key_type.
-- Parameters: customer_id.
update segmentation.export_recipients
set customer_ids = array_remove(customer_ids, :customer_id::{key_type})
where :customer_id::{key_type} = any(customer_ids);

-- name: hold_forgetting
-- Waits for customers who are being forgotten or given other keys, and lets nobody be until the transaction ends.
lock table segmentation.scoring_runs in row exclusive mode;

-- name: holds
-- Returns whether what a destination has of an audience is of a run and date: the last that was sent, or, where each
-- date has a place of its own, the last of the date. Of one that may be there since nobody knows.
-- Parameters: audience, destination, as_of, run_id, contents, dated, other_runs.
select coalesce(
    (
        select sent.status = 'sent' and sent.as_of = :as_of and sent.run_id = :run_id and sent.contents = :contents
            and sent.other_runs = :other_runs::bigint[]
        from segmentation.exports as sent
        where
            sent.audience = :audience and sent.destination = :destination and sent.status <> 'failed'
            and (not :dated or sent.as_of = :as_of)
        order by sent.export_id desc
        limit 1
    ),
    false
) as holds;

-- name: label_set
-- Returns the label set that holds for a model: of a date, or else of its latest.
-- Parameters: model, as_of.
select published.as_of, published.run_id, made.label_set, run.labels_expired_at is not null as is_expired,
    made.label_folder is not null as is_filed
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

-- name: labelled
-- Returns who was sent of a label set.
-- Names: export_id (whose customers who were left out are listed), label_set, segments (null: all), min_confidence.
select label.customer_id
from segmentation.customer_labels as label
where
    label.label_set = {label_set} and ({segments} is null or label.segment_id = any({segments}))
    and label.confidence >= {min_confidence}
    and not exists (
        select
        from (
            select unnest(listed.customer_ids) as customer_id
            from segmentation.export_recipients as listed
            where listed.export_id = {export_id} and listed.is_left_out
        ) as left_out
        where left_out.customer_id = label.customer_id
    );

-- name: last_event
-- Returns the last that happened to a segment, by its id or by the name that it had before.
-- Parameters: model, segment_id, segment_name.
select occurred_at::date as occurred_on, description
from segmentation.segment_events
where
    model = :model
    and (
        event in ('death', 'split') and segment_id = :segment_id::integer
        or event = 'merge' and :segment_id::integer = any(related_segment_ids)
        or event in ('death', 'split', 'merge')
        and strpos(lower(description), lower('(' || :segment_name::text || ')')) > 0
        or event = 'rename' and strpos(lower(description), lower(', so far ' || :segment_name::text || ', ')) > 0
    )
order by event_id desc
limit 1;

-- name: latest_changes
-- Returns the latest date of changes that was sent.
-- Parameters: audience, destination.
select max(as_of)
from segmentation.exports
where audience = :audience and destination = :destination and contents = 'changes' and status = 'sent';

-- name: leave_labels
-- Notes that labels no longer tell who was sent in an attempt, nor lists who was left out of them.
-- Parameters: export_id.
with gone as (
    delete from segmentation.export_recipients where export_id = :export_id and is_left_out
)

update segmentation.exports
set label_set = null, segments = null, min_confidence = null
where export_id = :export_id;

-- name: list_members
-- Lists who is sent in an attempt, or who is left out of whom its labels tell.
-- Names: audience_keys (a query of the customers).
-- Parameters: export_id, is_left_out.
insert into segmentation.export_recipients (
    audience, destination, first_as_of, export_id, customer_ids, is_left_out
)
select
    attempt.audience, attempt.destination, attempt.as_of, attempt.export_id, listed.customer_ids,
    :is_left_out::boolean
from (
    select array_agg(member.customer_id) as customer_ids
    from (
        select one.customer_id, (row_number() over () - 1) / 4096 as block from ({audience_keys}) as one
    ) as member
    group by member.block
) as listed
join segmentation.exports as attempt on attempt.export_id = :export_id;

-- name: left_unlisted
-- Returns who is left out since the source has not got them, or not once.
-- Names: member_labels (a table with `label` for the customers), chosen, source, on_source.
select label.customer_id
from {member_labels}
where {chosen} and not exists (select from {source} where {on_source});

-- name: listed
-- Returns who is listed as sent in an attempt.
-- Names: export_id.
select one.customer_id
from segmentation.export_recipients as listed
cross join unnest(listed.customer_ids) as one (customer_id)
where listed.export_id = {export_id} and not listed.is_left_out;

-- name: members
-- Returns the customers of an audience.
-- Names: columns, member_labels (tables with `label` for the customers), chosen, source, on_source, allowed, ranking
-- (or nothing).
select {columns}
from {member_labels}
join {source} on {on_source}
where {chosen} and {allowed} {ranking};

-- name: merge
-- Puts lists of attempts together, each customer once.
-- Parameters: audience, destination, export_ids.
with taken as (
    delete from segmentation.export_recipients
    where
        audience = :audience and destination = :destination and export_id = any(:export_ids) and not is_left_out
    returning first_as_of, customer_ids
),
fresh as (
    select one.customer_id, min(taken.first_as_of) as first_as_of
    from taken
    cross join unnest(taken.customer_ids) as one (customer_id)
    group by one.customer_id
),
missing as (
    select
        fresh.customer_id, fresh.first_as_of,
        (row_number() over (partition by fresh.first_as_of order by fresh.customer_id) - 1) / 4096 as block
    from fresh
    where
        not exists (
            select
            from (
                select unnest(listed.customer_ids) as customer_id
                from segmentation.export_recipients as listed
                where
                    listed.audience = :audience and listed.destination = :destination and listed.export_id is null
            ) as known
            where known.customer_id = fresh.customer_id
        )
)

insert into segmentation.export_recipients (audience, destination, first_as_of, customer_ids)
select :audience, :destination, missing.first_as_of, array_agg(missing.customer_id order by missing.customer_id)
from missing
group by missing.first_as_of, missing.block
order by missing.first_as_of, missing.block;

-- name: mergeable
-- Returns the attempts whose lists can be put together: nobody compares with them any more, as changes do with those of
-- the two latest dates that were sent, and what came after.
select listed.audience, listed.destination, array_agg(distinct listed.export_id) as export_ids
from segmentation.export_recipients as listed
left join segmentation.exports as attempt on attempt.export_id = listed.export_id and attempt.contents = 'changes'
where
    listed.export_id is not null and not listed.is_left_out
    and (
        attempt.export_id is null
        or attempt.as_of < (
            select sent.as_of
            from segmentation.exports as sent
            where
                sent.audience = attempt.audience and sent.destination = attempt.destination
                and sent.contents = 'changes' and sent.status = 'sent'
            group by sent.as_of
            order by sent.as_of desc
            limit 1 offset 1
        )
    )
group by listed.audience, listed.destination
order by listed.audience, listed.destination;

-- name: names
-- Returns the segments of a label set, with their texts.
-- Parameters: label_set.
select segment_id, segment_name, recommended_action
from segmentation.label_names
where label_set = :label_set
order by segment_id;

-- name: nobody
-- Returns no customer.
-- Names: key_type.
select null::{key_type} as customer_id where false;

-- name: note_by_labels
-- Notes that an attempt sends customers of a label set, unless its labels are about to be dropped.
-- Parameters: export_id, run_id, label_set, segments, min_confidence.
with kept as (
    select run.run_id
    from segmentation.scoring_runs as run
    where run.run_id = :run_id and run.labels_expired_at is null
    for share
)

update segmentation.exports
set label_set = :label_set, segments = :segments::integer[], min_confidence = :min_confidence
from kept
where exports.export_id = :export_id;

-- name: note_former_keys
-- Notes by which keys a destination of changes knows customers who get others, but for those who have got one since the
-- last date that was sent: it knows the one before.
-- Names: pairs, known (a query of whom the destination knows).
-- Parameters: audience, destination.
insert into segmentation.export_former_keys (customer_id, former_id, audience, destination)
select pair.new_key, pair.old_key, :audience, :destination
from {pairs} as pair
join ({known}) as known on known.customer_id = pair.old_key
where
    not exists (
        select
        from segmentation.export_former_keys as former
        where
            former.audience = :audience and former.destination = :destination
            and former.customer_id = pair.old_key and former.told_as_of is null
    )
on conflict (audience, destination, former_id) do update set customer_id = excluded.customer_id, told_as_of = null;

-- name: note_withdrawal
-- Notes that a date was withdrawn of models after it was sent, or while it is being sent; returns where it went.
-- Parameters: as_of, models.
with withdrawn as (
    update segmentation.exports
    set withdrawn_at = now()
    where
        as_of = :as_of and (model = any(:models) or other_models && :models)
        and status <> 'failed' and withdrawn_at is null
    returning audience, destination, location
)

select distinct audience, destination, location from withdrawn order by 1, 2, 3;

-- name: of_run
-- Returns the attempts whose customers the labels of a run tell; of those that sent the same and left nobody out, other
-- than changes, the first is to be listed.
-- Parameters: run_id.
select
    attempt.export_id, attempt.label_set, attempt.segments, attempt.min_confidence,
    attempt.contents = 'changes' or row_number() over (
        partition by
            attempt.audience, attempt.destination, attempt.contents, attempt.label_set, attempt.segments,
            attempt.min_confidence, left_out.export_id
        order by attempt.export_id
    ) = 1 as is_to_be_listed
from segmentation.exports as attempt
join segmentation.run_models as made on made.label_set = attempt.label_set
left join (
    select distinct export_id
    from segmentation.export_recipients
    where is_left_out
) as left_out on left_out.export_id = attempt.export_id
where made.run_id = :run_id
order by attempt.export_id;

-- name: sent_to
-- Returns where a customer was sent, or may have been.
-- Names: key_type.
-- Parameters: customer_id.
select told.audience, told.destination, min(told.as_of) as since
from (
    select listed.audience, listed.destination, listed.first_as_of as as_of
    from segmentation.export_recipients as listed
    where :customer_id::{key_type} = any(listed.customer_ids) and not listed.is_left_out
    union all
    select attempt.audience, attempt.destination, attempt.as_of
    from segmentation.exports as attempt
    join segmentation.customer_labels as label on label.label_set = attempt.label_set
    where
        label.customer_id = :customer_id::{key_type} and label.confidence >= attempt.min_confidence
        and (attempt.segments is null or label.segment_id = any(attempt.segments))
        and not exists (
            select
            from segmentation.export_recipients as left_out
            where
                left_out.export_id = attempt.export_id and left_out.is_left_out
                and :customer_id::{key_type} = any(left_out.customer_ids)
        )
) as told
group by told.audience, told.destination
order by told.audience, told.destination;

-- name: settings
-- Joins customers by sorting or hashing until the transaction ends: the planner knows nothing of rows that were just
-- written, and where it expects few, it would look for each of many among all others. A lock is not waited for long.
-- Names: lock (a time with its unit).
select set_config('enable_nestloop', 'off', true), set_config('lock_timeout', {lock}, true);

-- name: share_snapshot
-- Returns the name by which another transaction can see what this one sees.
select pg_export_snapshot();

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

-- name: tell_keys
-- Notes with which date former keys were told, and removes those that were told with an earlier one.
-- Parameters: audience, destination, as_of.
with told as (
    delete from segmentation.export_former_keys
    where audience = :audience and destination = :destination and told_as_of < :as_of
)

update segmentation.export_former_keys
set told_as_of = :as_of
where audience = :audience and destination = :destination and told_as_of is null;

-- name: update_listed
-- Gives the customers of lists of who was sent the new keys.
-- Names: pairs.
update segmentation.export_recipients as listed
set
    customer_ids = (
        select array_agg(distinct coalesce(pair.new_key, one.customer_id))
        from unnest(listed.customer_ids) as one (customer_id)
        left join {pairs} as pair on pair.old_key = one.customer_id
    )
where
    exists (
        select
        from unnest(listed.customer_ids) as one (customer_id)
        join {pairs} as pair on pair.old_key = one.customer_id
    );
