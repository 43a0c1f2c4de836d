-- Returns the first rows of a sample, in its order. Names: sample, rows.
select * from {sample} where sample_row <= {rows} order by sample_row
