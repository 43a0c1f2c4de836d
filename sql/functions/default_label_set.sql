-- The label set that customer_segments shows.
-- Called by: segmentation_reader.

-- Immutable as current_label_sets is, and on the same terms.
create or replace function segmentation.default_label_set()
returns bigint
language plpgsql immutable security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    shown record;
begin
    select made.label_set, made.model, made.label_folder into shown
    from segmentation.current_models as current
    join segmentation.run_models as made on made.run_id = current.run_id and made.model = current.model
    where
        current.model = coalesce(
            (select contract.default_model from segmentation.contract),
            (select min(named.model) from segmentation.current_models as named)
        );
    -- Nobody in their segments would look like the truth.
    if shown.label_folder is not null then
        raise exception 'the labels of % are Parquet files and no rows of this warehouse', shown.model
        using errcode = 'feature_not_supported', hint = 'Read the files that segmentation.current_label_files lists.';
    end if;
    return shown.label_set;
end
$function$;
comment on function segmentation.default_label_set() is 'The current label set of the contract''s default_model, or else of the first model by name. For the views, as current_label_sets.';
