-- Lets {reader} read segmentation.{relation}.
grant select on segmentation.{relation} to {reader};
