-- Says for this transaction who makes its changes. Parameters: actor.
select set_config('segmentation.actor', %(actor)s, true)
