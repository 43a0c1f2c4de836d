-- The history of customers' segments, the movement between dates, and what is known of both before a run is published.

create table segmentation.segment_history (
    customer_id       {key_type} not null,
    model             text not null,
    segment_id        integer not null,
    valid_from        date not null,
    valid_to          date check (valid_to > valid_from),
    model_version_id  bigint not null
) partition by list (model);
comment on table segmentation.segment_history is 'One row per customer, model and period in one segment; only changes are stored, and they are kept for ever. Half-open: from valid_from up to, but without, valid_to. Partitioned by model; each partition finds a customer by an index.';
comment on column segmentation.segment_history.customer_id is 'The customer.';
comment on column segmentation.segment_history.model is 'Name of the model.';
comment on column segmentation.segment_history.segment_id is 'The segment, stable across versions; 0 for outliers.';
comment on column segmentation.segment_history.valid_from is 'The first published date of the period.';
comment on column segmentation.segment_history.valid_to is 'The first published date on which the customer was in another segment, or was not labelled; null while there is none.';
comment on column segmentation.segment_history.model_version_id is 'The version that labelled the customer on valid_from.';

create table segmentation.segment_migrations (
    as_of            date not null,
    previous_as_of   date not null check (previous_as_of < as_of),
    model            text not null,
    from_segment_id  integer check (from_segment_id is not null or to_segment_id is not null),
    to_segment_id    integer,
    customers        bigint not null check (customers > 0),
    by_behaviour     bigint check (by_behaviour >= 0),
    by_model         bigint check (by_model >= 0),
    check ((by_behaviour is null) = (by_model is null)),
    check (by_behaviour + by_model = case when from_segment_id = to_segment_id then 0 else customers end)
);
create unique index segment_migrations_key on segmentation.segment_migrations
    (as_of, model, coalesce(from_segment_id, -1), coalesce(to_segment_id, -1));
comment on table segmentation.segment_migrations is 'One row per date, model, former and present segment: the customers who moved since the preceding published date, and those who stayed.';
comment on column segmentation.segment_migrations.as_of is 'The business date.';
comment on column segmentation.segment_migrations.previous_as_of is 'The published date of the model before it, with which it is compared. The first date has no rows.';
comment on column segmentation.segment_migrations.model is 'Name of the model.';
comment on column segmentation.segment_migrations.from_segment_id is 'The segment on previous_as_of; null: was not labelled then, and joined.';
comment on column segmentation.segment_migrations.to_segment_id is 'The segment on as_of; null: is not labelled any more, and left. The same as from_segment_id: stayed.';
comment on column segmentation.segment_migrations.customers is 'Customers, exactly. By from_segment_id they add up to the segment''s customers on previous_as_of, by to_segment_id to those on as_of.';
comment on column segmentation.segment_migrations.by_behaviour is 'Those of them whose own change moved them: the version of previous_as_of, asked about the data of as_of, would not have left them where they were. Also who joined or left. 0 for those who stayed; null where that version could not be asked.';
comment on column segmentation.segment_migrations.by_model is 'Those whom only the change of version moved. customers = by_behaviour + by_model for all who moved; 0 for those who stayed.';

alter table segmentation.run_shards add column compared jsonb;
comment on column segmentation.run_shards.compared is 'Per model version the run of the preceding date that the shard''s labels were compared with (base_run_id), and whether it is known whom the change of version moved (split).';

create function segmentation.segment_as_of(day date)
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

-- What was published before there was a history: the labels that are still kept.
do $$
declare
    published record;
begin
    for published in select distinct model from segmentation.published_runs loop
        execute format(
            'create table segmentation.%I (like segmentation.segment_history including constraints, check (model = %L)) with (fillfactor = 90)',
            'period_' || published.model, published.model
        );
        execute format(
            $insert$
            insert into segmentation.%I
            with kept as (
                select
                    pointer.as_of, pointer.run_id, pointer.model_version_id,
                    row_number() over (order by pointer.as_of) as place,
                    lead(pointer.as_of) over (order by pointer.as_of) as next_date
                from segmentation.published_runs as pointer
                join segmentation.scoring_runs as run on run.run_id = pointer.run_id
                where pointer.model = %L and run.labels_dropped_at is null
            ),
            label as (
                select
                    label.customer_id, label.segment_id, kept.*,
                    kept.place - row_number() over (
                        partition by label.customer_id, label.segment_id order by kept.place
                    ) as period
                from kept
                join segmentation.customer_labels as label
                    on label.run_id = kept.run_id and label.model_version_id = kept.model_version_id
            )
            select
                customer_id, %L, segment_id, min(as_of), (array_agg(next_date order by place desc))[1],
                (array_agg(model_version_id order by place))[1]
            from label
            group by customer_id, segment_id, period
            $insert$,
            'period_' || published.model, published.model, published.model
        );
        execute format(
            'create unique index on segmentation.%I (customer_id, valid_from)', 'period_' || published.model
        );
        execute format(
            'alter table segmentation.segment_history attach partition segmentation.%I for values in (%L)',
            'period_' || published.model, published.model
        );
    end loop;
end
$$;
