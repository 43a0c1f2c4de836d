-- Why a customer is in a segment.
-- Called by: segmentation_reader.

-- It has the owner's rights, because readers do not see the source; only who was granted it may call it.
create or replace function segmentation.explain_customer(model text, customer_id {key_type})
returns table (
    feature         text,
    value           double precision,
    segment_name    text,
    runner_up_name  text,
    pull            double precision,
    share_of_pull   double precision,
    sentence        text
)
language plpgsql stable security definer rows 8
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
    number    constant text := '^[[:space:]]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?[[:space:]]*$';
    farthest  constant double precision := 1e6;  -- standard deviations that a feature counts as at the most
    label     record;
    found_at  text;
    texts     text[];
    names     text[];
    amounts   double precision[];
    features  double precision[];
    formatted text;
    hindrance text;
begin
    select current.*, made.label_set, run.source_layout as layout, version.clusters
    into label
    from segmentation.current_customer_segments as current
    join segmentation.run_models as made on made.run_id = current.run_id and made.model = current.model
    join segmentation.scoring_runs as run on run.run_id = current.run_id
    join segmentation.model_versions as version on version.model_version_id = current.model_version_id
    where current.model = lower($1) and current.customer_id = $2;
    if not found then
        return;
    end if;

    select
        array_agg(feature order by place),
        string_agg(
            format(
                case label.layout -> 'columns' -> feature ->> 'cast'
                    when 'numeric' then '%I::numeric::text'
                    when 'integer' then '%I::integer::text'
                    else '%I::text'
                end, coalesce(label.layout -> 'columns' -> feature ->> 'header', feature)
            ), ', '
            order by place
        )
    into names, found_at
    from segmentation.version_features
    where model_version_id = label.model_version_id;

    select string_agg(listed.name, ', ' order by listed.place)
    into formatted
    from unnest(names) with ordinality as listed (name, place)
    where (label.layout -> 'columns' -> listed.name ->> 'formatted')::boolean;

    if names is null or label.layout is null then
        hindrance := 'The version or the run is older than reasons are: retrain the model and run another night.';
    elsif exists (
        select from segmentation.version_clusters
        where model_version_id = label.model_version_id and points is null
    ) then
        hindrance := 'The version has too many core customers to keep their values here.';
    elsif not exists (
        select from jsonb_array_elements(label.clusters) as cluster
        where (cluster ->> 'segment_id')::integer <> label.segment_id
    ) then
        hindrance := 'There is no other segment.';
    elsif formatted is not null then
        hindrance := format(
            'The source writes %s in a format that only nights read: name a view that holds numbers.', formatted);
    else
        execute format(
            'select case when count(*) = 1 then min(array[%s]) end from %I.%I where %I%s = $1',
            found_at, label.layout ->> 'schema', label.layout ->> 'table', label.layout ->> 'key',
            case when label.layout ->> 'key_cast' = 'text' then '::text' else '' end
        ) into texts using $2;

        -- No cast here can raise: only what looks like a number, and is one that fits, is taken for one.
        with reading as (
            select
                listed.place,
                case
                    when btrim(coalesce(texts[listed.place], ''), E' \t\r\n') = ''
                    then (label.layout -> 'columns' -> listed.name ->> 'fill')::double precision
                    when texts[listed.place] !~ number or abs(texts[listed.place]::numeric) > 1e307 then null
                    when abs(texts[listed.place]::numeric) < 1e-300 then 0
                    else texts[listed.place]::double precision
                        * (label.layout -> 'columns' -> listed.name ->> 'factor')::double precision
                end as amount
            from unnest(names) with ordinality as listed (name, place)
        ),
        standardised as (
            select
                reading.place,
                reading.amount,
                (case
                    when feature.transform = 'none' then reading.amount
                    when reading.amount >= 0 then ln(1 + reading.amount)
                end - feature.mean) / feature.scale as deviation
            from reading
            join segmentation.version_features as feature
                on feature.model_version_id = label.model_version_id and feature.place = reading.place
        )
        select
            array_agg(amount order by place),
            array_agg(case when deviation is not null then greatest(least(deviation, farthest), -farthest) end
                order by place)
        into amounts, features
        from standardised;
        if texts is null or array_position(features, null) is not null then
            hindrance := 'The source no longer holds one row with valid values for this customer.';
        end if;
    end if;
    if hindrance is not null then
        return query select
            null::text, null::double precision, label.segment_name::text, null::text, null::double precision,
            null::double precision, hindrance;
        return;
    end if;

    return query
    with segment_of as (
        select (cluster ->> 'cluster_label')::integer as cluster_label, (cluster ->> 'segment_id')::integer as segment_id
        from jsonb_array_elements(label.clusters) as cluster
    ),
    difference as (
        select
            cluster.cluster_label,
            cluster.form,
            (entry.place - 1) / cardinality(features) as point,
            (entry.place - 1) % cardinality(features) + 1 as place,
            features[(entry.place - 1) % cardinality(features) + 1] - entry.value as apart
        from segmentation.version_clusters as cluster
        cross join unnest(cluster.points) with ordinality as entry (value, place)
        where cluster.model_version_id = label.model_version_id
    ),
    term as materialized (
        select
            one.cluster_label,
            one.point,
            one.place,
            one.apart * case
                when one.form is null then one.apart
                else (
                    select sum(one.form[(one.place - 1) * cardinality(features) + other.place] * other.apart)
                    from difference as other
                    where other.cluster_label = one.cluster_label
                )
            end as cost
        from difference as one
    ),
    nearest as (
        select distinct on (cluster_label) cluster_label, point, cost
        from (select cluster_label, point, sum(cost) as cost from term group by cluster_label, point) as point
        order by cluster_label, cost, point
    ),
    candidate as (
        select
            cluster.cluster_label,
            segment_of.segment_id,
            nearest.point,
            cluster.constant,
            coalesce(nearest.cost, 0) + cluster.constant as cost
        from segmentation.version_clusters as cluster
        join segment_of on segment_of.cluster_label = cluster.cluster_label
        left join nearest on nearest.cluster_label = cluster.cluster_label
        where cluster.model_version_id = label.model_version_id
    ),
    own as (
        select * from candidate where cluster_label = label.cluster_label
    ),
    runner_up as (
        select candidate.*, named.segment_name as name
        from candidate
        join segmentation.label_names as named
            on named.label_set = label.label_set and named.segment_id = candidate.segment_id
        where candidate.segment_id <> label.segment_id
        order by candidate.segment_id = 0, candidate.cost, candidate.cluster_label
        limit 1
    ),
    part as (
        select
            listed.place,
            listed.name,
            amounts[listed.place] as amount,
            coalesce(
                (select term.cost from term, runner_up
                 where term.cluster_label = runner_up.cluster_label and term.point = runner_up.point
                     and term.place = listed.place), 0
            ) - coalesce(
                (select term.cost from term, own
                 where term.cluster_label = own.cluster_label and term.point = own.point
                     and term.place = listed.place), 0
            ) as pull
        from unnest(names) with ordinality as listed (name, place)
        union all
        select null, null, null, runner_up.constant - own.constant
        from own, runner_up
        where runner_up.constant <> own.constant
    ),
    whole as (
        select nullif(sum(abs(part.pull)), 0) as every_pull, sum(part.pull) as total from part
    ),
    strongest as (
        select
            part.pull,
            part.pull / whole.every_pull as share,
            upper(left(replace(part.name, '_', ' '), 1)) || substr(replace(part.name, '_', ' '), 2) as name,
            case
                when abs(part.amount) >= 1e15 then to_char(part.amount, 'FM9.99EEEE')
                when abs(part.amount) >= 100 then to_char(part.amount::numeric, 'FM999,999,999,999,990')
                else rtrim(to_char(part.amount::numeric, 'FM990.99'), '.')
            end as amount
        from part, whole
        where part.place is not null
        order by part.pull desc, part.place
        limit 1
    )
    select
        part.name,
        part.amount,
        label.segment_name::text,
        runner_up.name,
        part.pull,
        coalesce(part.pull / whole.every_pull, 0),
        case
            when whole.total < -1e-9 * whole.every_pull then format(
                'The values have changed since %s: today they are nearer to %s than to %s.',
                label.as_of, runner_up.name, label.segment_name)
            when coalesce(strongest.share, 0) <= 0 then format(
                'No value pulls towards %s rather than %s: size and spread of the groups decide.',
                label.segment_name, runner_up.name)
            else format(
                '%s %s pulls most towards %s rather than %s: %s %% of all pulls.',
                strongest.name, strongest.amount, label.segment_name, runner_up.name,
                round((100 * strongest.share)::numeric))
        end
    from part
    cross join whole
    cross join runner_up
    cross join strongest
    order by part.place is null, part.pull desc, part.place;
end
$function$;
comment on function segmentation.explain_customer(text, {key_type}) is
'Why a customer is in the current segment of a model rather than in the runner-up: one row per feature, the strongest first. pull is what the feature would cost more in the runner-up than in the segment, negative where it speaks for the runner-up; the pulls add up exactly. A row without a feature holds what depends on no feature: size and spread of the groups (GMM), eps (DBSCAN). share_of_pull is the pull over the sum of all absolute pulls; sentence is the same on each row. Costs: squared distance from the centroid (K-Means), minus log density with cross terms halved between both features (GMM), squared distance from the nearest core customer, or eps squared for noise (DBSCAN). value is read from the source now, the segment is that of the latest night. No row: the customer has no label. It shows values of the source, so execute is granted by name.';
revoke execute on function segmentation.explain_customer(text, {key_type}) from public;
