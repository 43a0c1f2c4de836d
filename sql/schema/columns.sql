-- Returns name and comment of the columns of %(relation)s (schema and name) in order; no row where it does not exist.
select attribute.attname as name, col_description(attribute.attrelid, attribute.attnum) as comment
from pg_attribute as attribute
where attribute.attrelid = to_regclass(%(relation)s) and attribute.attnum > 0 and not attribute.attisdropped
order by attribute.attnum;
