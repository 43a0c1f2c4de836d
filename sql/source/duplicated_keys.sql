-- Returns the keys of a range that stand in more than one row. Names: key, cast, table, range.
select {key}{cast} as key from {table} where ({range}) and {key} is not null group by {key} having count(*) > 1
