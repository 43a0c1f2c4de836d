-- name: limit_time
-- Ends this transaction after a time: a statement, a statement that waits for a lock, and a session that does nothing.
-- Parameters: statement, lock, idle (times with their units).
select
    set_config('statement_timeout', :statement, true),
    set_config('lock_timeout', :lock, true),
    set_config('idle_in_transaction_session_timeout', :idle, true);

-- name: settings
-- Sets for a transaction how values are written and read, whatever the database, the role or a pooler's session says.
select
    set_config('client_encoding', 'UTF8', true),
    set_config('datestyle', 'ISO, YMD', true),
    set_config('extra_float_digits', '1', true),
    set_config('intervalstyle', 'postgres', true),
    set_config('standard_conforming_strings', 'on', true),
    set_config('timezone', 'UTC', true);
