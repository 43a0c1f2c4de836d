-- Returns the plan of reading a source, which says how many rows the planner expects. Names: table.
explain (format json) select * from {table}
