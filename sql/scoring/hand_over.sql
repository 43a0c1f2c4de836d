-- Gives a table to the role of all who score, where the user acts for that role; otherwise it stays its maker's.
-- Names: table.
do $do$
begin
    if exists (select from pg_roles where rolname = 'segmentation_writer' and pg_has_role(oid, 'usage')) then
        alter table {table} owner to segmentation_writer;
    end if;
exception
    -- A member who may not become the role, or a role that may not create here yet, which migrate has said.
    when insufficient_privilege then null;
end
$do$
