-- What the roles segmentation_reader, segmentation_dashboard and segmentation_writer may do.
-- Called by: segmentation_writer.

create or replace function segmentation.grant_roles(source_schema text, source_table text)
returns setof text
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    readable  constant text[] := array[
        {readable_views},
        'drift_checks', 'overall_averages', 'segment_changes', 'segment_events', 'segment_groups', 'segment_history',
        'segment_migrations', 'segment_profiles', 'segments'
    ];
    -- Nothing that has a row a customer.
    charted   constant text[] := array[
        {dashboard_views},
        'drift_checks', 'overall_averages', 'segment_events', 'segment_groups', 'segment_migrations', 'segment_profiles',
        'segments'
    ];
    callable  constant text[] := array[{callable_functions}];
    kept      constant text[] := array['alembic_version', 'contract', 'definitions'];
    -- Who did something and when is filled by the server: of these tables the writer inserts the columns named here alone.
    appended  constant jsonb := '{
        "audit_log": ["action", "model", "actor", "description", "detail"],
        "model_retirements": ["model", "retired_on", "returned_on", "reason", "retired_by", "run_id"],
        "promotions": ["model", "model_version_id", "previous_version_id", "decision", "reason", "metrics", "decided_by"]
    }';
    undeleted constant text[] := array['model_versions'];
    todo      record;
begin
    -- Roles belong to the whole server: another database may be creating them at this moment, or may have done so.
    for todo in
        select * from (values
            ('segmentation_reader', 'Reads the BI views of the schema segmentation; for BI tools.'),
            ('segmentation_dashboard', 'Reads those of them that have no row a customer; for dashboards.'),
            ('segmentation_writer', 'Scores, publishes and trains in the schema segmentation; for the DAGs.')
        ) as wanted (name, description)
        where to_regrole(name) is null
    loop
        begin
            execute format('create role %I nologin', todo.name);
            execute format('comment on role %I is %L', todo.name, todo.description);
            if todo.name = 'segmentation_writer' and not pg_has_role(todo.name, 'usage') then
                execute format('grant %I to %I', todo.name, current_user);
            end if;
        exception
            when duplicate_object or unique_violation then
                null;
            when insufficient_privilege then
                return next format(
                    'there is no role %1$s, and %2$s may not create it: let an administrator run "create role %1$s '
                    'nologin; grant %1$s to %2$s;", then migrate again', todo.name, current_user
                );
        end;
    end loop;

    -- What is missing, in the order in which it can be done; the second time around, what is missing all the same: to grant
    -- what one has without the right to grant it is no error.
    for attempt in 1..2 loop
        for todo in
            with role as (
                select
                    oid,
                    rolname as name,
                    rolname = 'segmentation_writer' as writes,
                    case rolname
                        when 'segmentation_reader' then readable when 'segmentation_dashboard' then charted else '{}'
                    end as reads,
                    case rolname when 'segmentation_reader' then callable else '{}' end as calls
                from pg_roles
                where rolname in ('segmentation_reader', 'segmentation_dashboard', 'segmentation_writer')
            ),
            relation as (
                select class.oid, class.relname as name, class.relkind, class.oid::regclass as quoted
                from pg_class as class
                where
                    class.relnamespace = 'segmentation'::regnamespace and class.relkind in ('r', 'p', 'v', 'm')
                    and not class.relispartition
            ),
            routine as (
                select oid, proname as name, proowner, oid::regprocedure as quoted
                from pg_proc
                where pronamespace = 'segmentation'::regnamespace
            ),
            source as (
                select class.oid, class.relnamespace, namespace.nspname, class.relname
                from pg_class as class
                join pg_namespace as namespace on namespace.oid = class.relnamespace
                where namespace.nspname = $1 and class.relname = $2
            ),
            -- Only an owner can attach, detach and drop partitions, read them by name, and drop what was staged.
            written as (
                select tree.relid as oid, tree.level
                from relation
                cross join lateral pg_partition_tree(relation.oid) as tree
                where relation.relkind = 'p'
                union all
                select oid, 1
                from pg_class
                where
                    relnamespace in ('segmentation_partitions'::regnamespace, 'segmentation_staging'::regnamespace)
                    and relkind in ('r', 'p') and not relispartition
            )
            select
                1 as place,
                format('grant %s on schema %I to %I', lower(privilege), namespace.nspname, role.name) as statement
            from role
            cross join pg_namespace as namespace
            cross join unnest(array['USAGE', 'CREATE']) as privilege
            where
                case
                    when role.writes
                    then namespace.nspname in ('segmentation', 'segmentation_partitions', 'segmentation_staging')
                    else namespace.nspname = 'segmentation' and privilege = 'USAGE'
                end
                -- Code that the writer could put among ours would run with the rights of whoever owns it; so there it may
                -- create only while it becomes an owner.
                and (namespace.nspname <> 'segmentation' or privilege = 'USAGE' or exists (
                    select from written
                    join pg_class as class on class.oid = written.oid
                    where class.relnamespace = namespace.oid and class.relowner <> role.oid
                ))
                and not has_schema_privilege(role.oid, namespace.oid, privilege)
            union all
            select 2, format('grant select on %s to %I', relation.quoted, role.name)
            from role
            cross join relation
            where
                (role.writes or relation.name = any(role.reads))
                and not has_table_privilege(role.oid, relation.oid, 'SELECT')
            union all
            -- A night passes the default model on.
            select 2, format('grant update (default_model) on segmentation.contract to %I', role.name)
            from role
            where
                role.writes
                and not has_column_privilege(role.oid, 'segmentation.contract', 'default_model', 'UPDATE')
            union all
            select 3, format('grant %s on %s to %I', lower(privilege), relation.quoted, role.name)
            from role
            cross join relation
            cross join unnest(array['INSERT', 'UPDATE', 'DELETE']) as privilege
            where
                role.writes and relation.relkind in ('r', 'p') and relation.name <> all(kept)
                and not appended ? relation.name
                and (privilege <> 'DELETE' or relation.name <> all(undeleted))
                and not has_table_privilege(role.oid, relation.oid, privilege)
            union all
            select 3, format('grant insert (%I) on %s to %I', listed.name, relation.quoted, role.name)
            from role
            cross join relation
            cross join jsonb_array_elements_text(appended -> relation.name) as listed (name)
            where role.writes and not has_column_privilege(role.oid, relation.oid, listed.name, 'INSERT')
            union all
            -- A night brings a retired model back.
            select 3, format('grant update (returned_on) on segmentation.model_retirements to %I', role.name)
            from role
            where
                role.writes
                and not has_column_privilege(role.oid, 'segmentation.model_retirements', 'returned_on', 'UPDATE')
            union all
            select 4, format('grant execute on function %s to %I', routine.quoted, role.name)
            from role
            cross join routine
            where
                (role.writes or routine.name = any(role.calls))
                and not has_function_privilege(role.oid, routine.oid, 'EXECUTE')
            union all
            select 5, format('grant usage on schema %I to %I', source.nspname, role.name)
            from role
            cross join source
            where role.writes and not has_schema_privilege(role.oid, source.relnamespace, 'USAGE')
            union all
            select 6, format('grant select on %I.%I to %I', source.nspname, source.relname, role.name)
            from role
            cross join source
            where role.writes and not has_any_column_privilege(role.oid, source.oid, 'SELECT')
            union all
            -- The parts come first.
            select 8 - written.level / 100.0, format('alter table %s owner to %I', written.oid::regclass, role.name)
            from role
            cross join written
            join pg_class as class on class.oid = written.oid
            where role.writes and class.relowner <> role.oid
            order by place, statement
        loop
            -- An owner who is no member would lose what the views read.
            if todo.place >= 7 and not pg_has_role('segmentation_writer', 'usage') then
                if attempt = 2 then
                    return next format(
                        '%1$s is no member of segmentation_writer: let an administrator run "grant segmentation_writer '
                        'to %1$s;", then migrate again', current_user
                    );
                end if;
                exit;
            end if;
            if attempt = 2 then
                return next format('%s may not do this; let an administrator run: %s', current_user, todo.statement);
                continue;
            end if;
            begin
                execute todo.statement;
            exception
                -- A night may have taken what it staged.
                when insufficient_privilege or undefined_table then
                    exit when todo.place = 7;
            end;
        end loop;
        exit when not found;
    end loop;

    if exists (
        select from pg_roles
        where rolname = 'segmentation_writer' and has_schema_privilege(oid, 'segmentation', 'CREATE')
    ) then
        revoke create on schema segmentation from segmentation_writer;
    end if;
end
$function$;
comment on function segmentation.grant_roles(text, text) is
'Creates the roles segmentation_reader, segmentation_dashboard and segmentation_writer where they are missing, gives them what they have not got of their rights, and returns a line for each thing that the user may not do. Rights beyond these stay. Every migration calls it. The arguments are schema and table of the customers.';
revoke execute on function segmentation.grant_roles(text, text) from public;
