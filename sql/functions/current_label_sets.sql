-- The label sets that hold now.
-- Called by: segmentation_reader.

-- Partitions are locked when a query is planned, but for those that the planner itself can leave out; it can only by
-- constants. So this function says that it is immutable, which it is not: the planner then calls it, under the
-- transaction's own snapshot, and puts in what it found. The lie is safe because a plan is not kept longer than the
-- answer holds: whatever changes the answer executes the statement pointer/announce in the same transaction, which has
-- every session plan anew. A plan that was made under a snapshot from before such a change, and is used after it, shows
-- the former night until the next announcement; retention makes one after each night for that reason.
-- For the same reason a view that calls it joins nothing that could be of another night: label_names goes with its
-- label set.
create or replace function segmentation.current_label_sets()
returns bigint[]
language plpgsql immutable security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    filed text;
begin
    select string_agg(current.model, ', ' order by current.model) into filed
    from segmentation.current_models as current
    join segmentation.run_models as made on made.run_id = current.run_id and made.model = current.model
    where made.label_folder is not null;
    -- Nobody in their segments would look like the truth.
    if filed is not null then
        raise exception 'the labels of % are Parquet files and no rows of this warehouse', filed
        using errcode = 'feature_not_supported', hint = 'Read the files that segmentation.current_label_files lists.';
    end if;
    return (
        select coalesce(array_agg(made.label_set order by made.label_set), '{}')
        from segmentation.current_models as current
        join segmentation.run_models as made on made.run_id = current.run_id and made.model = current.model
    );
end
$function$;
comment on function segmentation.current_label_sets() is 'The label sets of customer_labels that hold now, one a model. For the views: it is planned with, so a query of your own that calls it must not be kept longer than a night.';
