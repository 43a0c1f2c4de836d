-- Returns the type of the key that the schema was made for.
select key_type from segmentation.contract;
