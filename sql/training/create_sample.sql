-- Copies the rows with the smallest hashes of the key. Names: sample, columns, key, table, rows.
create table {sample} as
select row_number() over () as sample_row, drawn.*
from (
    select {columns}
    from {table}
    where {key} is not null
    order by hashtextextended({key}::text, 0), {key}
    limit {rows}
) as drawn
