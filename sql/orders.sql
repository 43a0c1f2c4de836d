-- name: currencies
-- Returns a currency of the lines that count, and another one if there is one; both are empty where none is told.
-- Names: lines (a query of them in parentheses, with a name).
select min(currency) as one, nullif(max(currency), min(currency)) as other from {lines};

-- name: is_empty
-- Returns whether a table has no rows.
-- Names: table.
select not exists (select from {table}) as is_empty;
