-- Gives the planner its statistics. Names: table.
analyze {table}
