-- Takes labels from the client; frozen, so that nothing has to visit the rows again. Names: table, columns.
copy {table} ({columns}) from stdin with (format binary, freeze)
