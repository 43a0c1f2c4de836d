-- Goes on with a detaching that was interrupted. Names: parent, table.
alter table {parent} detach partition {table} finalize
