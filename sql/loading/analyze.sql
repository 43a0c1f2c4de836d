-- Collects the statistics that a run is planned from. Names: table.
analyze {table}
