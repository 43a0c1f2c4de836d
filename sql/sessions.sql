-- name: act_as_writer
-- Goes on with the rights of the role of all who score, and with no others; who may not act for it keeps its own.
-- Names: scope (local: until the transaction ends; session).
do $do$
begin
    if exists (select from pg_roles where rolname = 'segmentation_writer' and pg_has_role(oid, 'member')) then
        set {scope} role segmentation_writer;
    end if;
exception
    when insufficient_privilege then null;
end
$do$;

-- name: code_of_others
-- Returns what runs of itself when tables, or partitions of theirs, are written: triggers, rules, policies, and what
-- computes with functions, operators or types that are not the server's own, or not always the same.
-- Parameters: schemas, tables (arrays of names).
with named as (
    select format('%I.%I', listed.place, listed.name)::regclass::oid as oid
    from unnest(:schemas::text[], :tables::text[]) as listed (place, name)
),
written as (
    select oid from named
    union
    select tree.relid from named cross join lateral pg_partition_tree(named.oid) as tree
),
expression as (
    select conrelid as relation, format('check %I', conname) as told, conbin::text as tree
    from pg_constraint
    where contype = 'c'
    union all
    select adrelid, format('default of column %s', adnum), adbin::text from pg_attrdef
    union all
    select indrelid, format('index %s', indexrelid::regclass), concat(indexprs::text, indpred::text) from pg_index
),
found as (
    select tgrelid as relation, format('trigger %I', tgname) as told from pg_trigger where not tgisinternal
    union all
    select ev_class, format('rule %I', rulename) from pg_rewrite
    union all
    select polrelid, format('policy %I', polname) from pg_policy
    union all
    select attrelid, format('type of column %I', attname) from pg_attribute where attnum > 0 and atttypid >= 16384
    union all
    select expression.relation, expression.told
    from expression
    cross join lateral regexp_matches(expression.tree, ':([a-z]*(?:id|no|type)) ([0-9]+)', 'g') as used
    left join pg_proc as routine on used[1] = 'funcid' and routine.oid = used[2]::oid
    where expression.relation in (select oid from written) and (used[2]::oid >= 16384 or routine.provolatile <> 'i')
)
select written.oid::regclass::text as name, min(found.told) as told
from written
join found on found.relation = written.oid
group by written.oid
order by name
limit 1;

-- name: limit_time
-- Ends this transaction after a time: a statement, a statement that waits for a lock, and a session that does nothing.
-- Parameters: statement, lock, idle (times with their units).
select
    set_config('statement_timeout', :statement, true),
    set_config('lock_timeout', :lock, true),
    set_config('idle_in_transaction_session_timeout', :idle, true);

-- name: act_as_login
-- Goes on with the rights of the login.
reset role;

-- name: wait_as_before
-- Lets the transaction wait for locks as long as its login does.
set local lock_timeout to default;

-- name: lock_written
-- Keeps a table and its partitions from being given triggers, rules and the like until the transaction ends.
-- Names: table.
lock table {table} in row exclusive mode;

-- name: rights
-- Returns who is logged in, and whether with more rights than those of the role of all who score.
select role.rolname as login, role.rolsuper or pg_has_role(role.oid, namespace.nspowner, 'member') as has_more
from pg_roles as role
cross join pg_namespace as namespace
where role.rolname = session_user and namespace.nspname = 'segmentation';

-- name: settings
-- Sets for a transaction how values are written and read, whatever the database, the role or a pooler's session says.
select
    set_config('client_encoding', 'UTF8', true),
    set_config('datestyle', 'ISO, YMD', true),
    set_config('extra_float_digits', '1', true),
    set_config('intervalstyle', 'postgres', true),
    set_config('standard_conforming_strings', 'on', true),
    set_config('timezone', 'UTC', true);
