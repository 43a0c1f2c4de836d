-- Keeps {base} from being dropped until the transaction ends.
lock table {base} in access share mode
