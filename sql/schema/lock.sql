-- Waits until no other process migrates this database, and keeps others waiting until the transaction ends.
select pg_advisory_xact_lock(hashtext('clustering.migrate'));
