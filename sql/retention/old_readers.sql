-- Returns how many sessions may still follow a pointer that has moved: those with an older snapshot, and, where this user
-- may not see snapshots, those that have read the pointer in a transaction that is still open.
select count(*)
from pg_stat_activity as session
where
    session.datname = current_database()
    and session.pid <> pg_backend_pid()
    and coalesce(session.backend_type, 'client backend') = 'client backend'
    and case
        when session.state is not null then
            age(session.backend_xmin) >= (
                select age(published_xid::xid) from segmentation.published_runs order by published_xid desc limit 1
            )
        else exists (
            select
            from pg_locks as lock
            where lock.pid = session.pid and lock.relation = 'segmentation.published_runs'::regclass
        )
    end
