-- Returns who may read the table that is replaced, and the role of the DAGs; null stands for everybody.
-- Parameters: schema, table.
select role.rolname as name
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
cross join lateral aclexplode(class.relacl) as privilege
left join pg_roles as role on role.oid = privilege.grantee
where
    namespace.nspname = %(schema)s and class.relname = %(table)s
    and privilege.privilege_type = 'SELECT' and privilege.grantee <> class.relowner
union
select rolname from pg_roles where rolname = 'segmentation_writer'
order by name
