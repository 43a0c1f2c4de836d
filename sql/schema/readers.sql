-- Returns who was granted select on %(relation)s besides its owner; null stands for everybody.
select role.rolname as name
from pg_class as relation
cross join lateral aclexplode(relation.relacl) as privilege
left join pg_roles as role on role.oid = privilege.grantee
where
    relation.oid = to_regclass(%(relation)s)
    and privilege.privilege_type = 'SELECT'
    and privilege.grantee <> relation.relowner
order by role.rolname;
