-- What was sent to other systems and should not have been.

alter table segmentation.exports add column withdrawn_at timestamptz;
comment on column segmentation.exports.withdrawn_at is 'When the date was withdrawn after it was sent, or may have been; null: it was not.';
