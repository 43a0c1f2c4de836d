-- Who was sent in an export is told by the labels while they are kept, and by lists of customers afterwards.

alter table segmentation.exports
    add column label_set bigint,
    add column segments integer[],
    add column min_confidence double precision,
    add column other_models text[] not null default '{}',
    add column other_runs bigint[] not null default '{}';
comment on column segmentation.exports.label_set is 'The label set that tells who was sent, or may have been, for as long as its labels are kept; null: export_recipients does, or nobody was.';
comment on column segmentation.exports.segments is 'Of the label set, the segments that were sent; null: all.';
comment on column segmentation.exports.min_confidence is 'Of the label set, the confidence from which customers were sent.';
comment on column segmentation.exports.other_models is 'The other models of an audience of several.';
comment on column segmentation.exports.other_runs is 'Their runs, in the same order.';

create table segmentation.former_recipients as select * from segmentation.export_recipients;
drop table segmentation.export_recipients;
create table segmentation.export_recipients (
    block_id      bigint generated always as identity primary key,
    audience      text not null,
    destination   text not null,
    first_as_of   date not null,
    export_id     bigint,
    customer_ids  {key_type}[] not null
);
create index on segmentation.export_recipients (audience, destination);
-- The planner's statistics would keep keys of customers who were forgotten.
alter table segmentation.export_recipients alter column customer_ids set statistics 0;
comment on table segmentation.export_recipients is 'One row per some thousand customers of an audience and destination: who was sent, or may have been, where labels do not tell it (any more). Forgetting a customer lists where they were sent, and takes them out.';
comment on column segmentation.export_recipients.block_id is 'Number of the row.';
comment on column segmentation.export_recipients.audience is 'Name of the audience.';
comment on column segmentation.export_recipients.destination is 'The connection that it was sent to, by its id.';
comment on column segmentation.export_recipients.first_as_of is 'The business date with which these customers were sent first.';
comment on column segmentation.export_recipients.export_id is 'The attempt whose customers the rows of this number are, all of them; null: customers of several, each once.';
comment on column segmentation.export_recipients.customer_ids is 'The customers.';

insert into segmentation.export_recipients (audience, destination, first_as_of, customer_ids)
select audience, destination, first_as_of, array_agg(customer_id order by customer_id)
from (
    select
        *,
        (row_number() over (partition by audience, destination, first_as_of order by customer_id) - 1) / 4096 as block
    from segmentation.former_recipients
) as noted
group by audience, destination, first_as_of, block
order by audience, destination, first_as_of, block;

-- What the destinations of changes know: who was in the audience on the last date that was sent, and, should that be
-- sent again, on the one before it.
insert into segmentation.export_recipients (audience, destination, first_as_of, export_id, customer_ids)
select audience, destination, as_of, export_id, array_agg(customer_id order by customer_id)
from (
    select
        sent.audience, sent.destination, sent.as_of, sent.export_id, told.customer_id,
        (row_number() over (partition by sent.export_id order by told.customer_id) - 1) / 4096 as block
    from (
        select distinct on (audience, destination, as_of)
            audience, destination, as_of, export_id,
            dense_rank() over (partition by audience, destination order by as_of desc) as place
        from segmentation.exports
        where contents = 'changes' and status = 'sent'
        order by audience, destination, as_of, export_id desc
    ) as sent
    join segmentation.former_recipients as told using (audience, destination)
    where
        sent.place <= 2 and told.member_from <= sent.as_of
        and (told.member_to is null or told.member_to > sent.as_of)
) as member
group by audience, destination, as_of, export_id, block
order by export_id, block;

drop table segmentation.former_recipients;

create table segmentation.export_former_keys (
    customer_id  {key_type} not null,
    former_id    {key_type} not null,
    audience     text not null,
    destination  text not null,
    told_as_of   date,
    primary key (audience, destination, former_id)
);
alter table segmentation.export_former_keys alter column customer_id set statistics 0;
alter table segmentation.export_former_keys alter column former_id set statistics 0;
comment on table segmentation.export_former_keys is 'One row per customer who has another key than the one by which the destination of an audience of changes knows them: that one is told as left with the next date, and the new one as entered.';
comment on column segmentation.export_former_keys.customer_id is 'The customer.';
comment on column segmentation.export_former_keys.former_id is 'The key by which the destination knows the customer.';
comment on column segmentation.export_former_keys.audience is 'Name of the audience.';
comment on column segmentation.export_former_keys.destination is 'The connection that it is sent to, by its id.';
comment on column segmentation.export_former_keys.told_as_of is 'The business date with which it is told; null: not yet. The row goes with the next date that is sent.';
