-- Lets the session give up on a lock that is not free soon.
set lock_timeout = '5s'
