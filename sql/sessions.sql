-- name: settings
-- Sets for a transaction how values are written and read, whatever the database, the role or a pooler's session says.
select
    set_config('client_encoding', 'UTF8', true),
    set_config('datestyle', 'ISO, YMD', true),
    set_config('extra_float_digits', '1', true),
    set_config('intervalstyle', 'postgres', true),
    set_config('standard_conforming_strings', 'on', true),
    set_config('timezone', 'UTC', true);
