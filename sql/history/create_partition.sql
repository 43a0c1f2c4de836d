-- Makes the table of a model's history, with room in its pages to end periods where they are. Names: table, model.
create table {table} (like segmentation.segment_history including constraints, check (model = {model})) with (fillfactor = 90)
