-- Sets the comment of the column {column} of segmentation.{relation} to %(comment)s.
comment on column segmentation.{relation}.{column} is %(comment)s;
