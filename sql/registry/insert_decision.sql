-- Records a decision on a version. Parameters: the columns.
insert into segmentation.promotions (
    model, model_version_id, previous_version_id, decision, reason, metrics, decided_by
) values (
    %(model)s, %(model_version_id)s, %(previous_version_id)s, %(decision)s, %(reason)s, %(metrics)s, %(decided_by)s
)
