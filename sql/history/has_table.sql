-- Returns whether there is a table of this name, with its schema. Parameters: table.
select to_regclass(%(table)s) is not null
