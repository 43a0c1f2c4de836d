-- Returns the contract's columns of a range of keys. Names: columns, table, range.
select {columns} from {table} where {range}
