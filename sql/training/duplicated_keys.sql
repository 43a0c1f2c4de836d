-- Returns the keys that stand in more than one of a sample's first rows. Names: sample, rows, key.
select {key} as key from {sample} where sample_row <= {rows} group by {key} having count(*) > 1
