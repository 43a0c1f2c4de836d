-- Notes that a night asked for a retraining; a second time changes nothing. Parameters: run_id, as_of, models.
insert into segmentation.retraining_requests (run_id, as_of, models)
values (%(run_id)s, %(as_of)s, %(models)s)
on conflict (run_id) do nothing
