-- Takes rejected rows from the client. Names: table.
copy {table} from stdin with (format text)
