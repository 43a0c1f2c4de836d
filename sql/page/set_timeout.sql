-- Ends this transaction's statements after a time. Parameters: milliseconds, as text.
select set_config('statement_timeout', %(milliseconds)s, true)
