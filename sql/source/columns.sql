-- Returns a table's columns with the name of their base type. Parameters: relation, the table's oid.
with recursive base as (
    select attribute.attname, attribute.attnum, attribute.atttypid as type_id
    from pg_attribute as attribute
    where attribute.attrelid = %(relation)s and attribute.attnum > 0 and not attribute.attisdropped
    union all
    select base.attname, base.attnum, type.typbasetype
    from base join pg_type as type on type.oid = base.type_id
    where type.typtype = 'd'
)
select base.attname as name, type.typname as type
from base
join pg_type as type on type.oid = base.type_id
where type.typtype <> 'd'
order by base.attnum
