-- Notes a change. Parameters: action, model, actor, description, detail.
insert into segmentation.audit_log (action, model, actor, description, detail)
values (%(action)s, %(model)s, %(actor)s, %(description)s, %(detail)s)
