-- Returns how many rows of a table have a match in any of their columns. Names: table. Parameters: pattern, a regular expression.
select count(*) from {table} as held where held::text ~ %(pattern)s
