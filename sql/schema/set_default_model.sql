-- Passes the default model on to the views. Parameters: default_model.
update segmentation.contract
set default_model = %(default_model)s
where default_model is distinct from %(default_model)s
