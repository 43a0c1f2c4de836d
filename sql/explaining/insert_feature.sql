-- Adds a feature of a version. Parameters: the columns.
insert into segmentation.version_features (model_version_id, place, feature, transform, mean, scale)
values (%(model_version_id)s, %(place)s, %(feature)s, %(transform)s, %(mean)s, %(scale)s)
