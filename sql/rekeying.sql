-- name: copy
-- Takes pairs of keys, and whether the history goes over.
-- Names: table.
copy {table} (old_key, new_key, keeps) from stdin;

-- name: create
-- Makes the table of former and new keys.
-- Names: table, key_type.
create table {table} (old_key {key_type} not null, new_key {key_type} not null, keeps boolean not null);

-- name: faults
-- Returns why keys may not be changed in this way, with an example and a number each; nothing where they may.
-- Names: table.
select fault.told, min(fault.key) as example, count(*) as keys
from (
    select 'stands twice among the former keys' as told, old_key::text as key
    from {table} group by old_key having count(*) > 1
    union all
    select 'would be the key of several customers, of whom exactly one has to say yes under keeps', new_key::text
    from {table} group by new_key having count(*) > 1 and count(*) filter (where keeps) <> 1
    union all
    select 'would have nobody''s history: the only row with it says no under keeps', new_key::text
    from {table} group by new_key having count(*) = 1 and not bool_or(keeps)
    union all
    select 'is a former key and a new one', former.old_key::text
    from {table} as former join {table} as latter on latter.new_key = former.old_key
    where former.new_key <> former.old_key or not former.keeps
    union all
    select 'is the key of a customer already', latter.new_key::text
    from {table} as latter
    where
        exists (select from segmentation.segment_history as period where period.customer_id = latter.new_key)
        and not exists (select from {table} as former where former.old_key = latter.new_key)
    union all
    select 'is the key of a customer who was forgotten', told.customer_id::text
    from segmentation.segment_changes as told
    join (
        select old_key as key from {table}
        union all
        select new_key as key from {table}
    ) as pair on pair.key = told.customer_id
    where told.kind = 'forgotten'
) as fault
group by fault.told
order by fault.told;

-- name: index
-- Makes a former key quick to find.
-- Names: table.
create index on {table} (old_key);

-- name: known
-- Returns how many keys are given, how many of the customers who get another one have a history, and how many are
-- merged into somebody else's.
-- Names: table.
select
    count(*) as given,
    count(*) filter (
        where
            pair.keeps and pair.old_key <> pair.new_key
            and exists (select from segmentation.segment_history as period where period.customer_id = pair.old_key)
    ) as known,
    count(*) filter (where not pair.keeps) as merged
from {table} as pair;

-- name: note_merged
-- Notes which keys are merged into others, and whose history ends with them.
-- Names: table.
insert into segmentation.merged_customers (customer_id, former_id)
select new_key, old_key from {table} where not keeps
on conflict (former_id) do update set customer_id = excluded.customer_id, merged_at = excluded.merged_at;

-- name: leave_merged
-- Leaves the pairs whose rows go over.
-- Names: table.
delete from {table} where not keeps or old_key = new_key;

-- name: update
-- Gives the rows of a table the new keys.
-- Names: table, column, cast, pairs.
update {table} as held
set {column} = pair.new_key{cast}
from {pairs} as pair
where held.{column} = pair.old_key{cast};
