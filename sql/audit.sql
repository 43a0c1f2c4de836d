-- name: insert
-- Notes a change.
-- Parameters: action, model, actor, description, detail.
insert into segmentation.audit_log (action, model, actor, description, detail)
values (:action, :model, :actor, :description, :detail);

-- name: set_actor
-- Says for this transaction who makes its changes.
-- Parameters: actor.
select set_config('segmentation.actor', :actor, true);
