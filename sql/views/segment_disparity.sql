-- The shares of protected groups in each segment.
-- Read by: segmentation_reader, segmentation_dashboard.

create or replace view segmentation.segment_disparity as
select
    held.as_of,
    held.model,
    held.segment_id,
    segment.segment_name,
    held.column_name,
    held.group_name,
    held.customers,
    held.customers::double precision / nullif(segment.customers, 0) as share_of_segment,
    held.group_customers::double precision / nullif(whole.customers, 0) as share_of_all,
    (held.customers::double precision / nullif(segment.customers, 0))
    / nullif(held.group_customers::double precision / nullif(whole.customers, 0), 0) as ratio,
    held.customers is null as suppressed
from segmentation.segment_groups as held
join segmentation.segments as segment
    on segment.as_of = held.as_of and segment.model = held.model and segment.segment_id = held.segment_id
join (
    select as_of, model, sum(customers) as customers from segmentation.segments group by as_of, model
) as whole on whole.as_of = held.as_of and whole.model = held.model
where not held.is_feature;
comment on view segmentation.segment_disparity is 'One row per date, model, segment and group of a protected column: whether a segment holds more of a group than its share of all customers. No model sees a protected column; what it sees may go along with one.';
comment on column segmentation.segment_disparity.as_of is 'The business date.';
comment on column segmentation.segment_disparity.model is 'Name of the model.';
comment on column segmentation.segment_disparity.segment_id is 'Number of the segment, stable across versions; 0 for outliers.';
comment on column segmentation.segment_disparity.segment_name is 'Name of the segment on that date.';
comment on column segmentation.segment_disparity.column_name is 'The protected column of the source contract.';
comment on column segmentation.segment_disparity.group_name is 'The value that the group has in common; "not given" without a value, "other" for all groups but the fifty largest.';
comment on column segmentation.segment_disparity.customers is 'Customers of the group in the segment; null: too few to say, or their number would tell another''s.';
comment on column segmentation.segment_disparity.share_of_segment is 'Share of the group among the segment''s customers, 0 to 1; null as customers.';
comment on column segmentation.segment_disparity.share_of_all is 'Share of the group among all customers that the model labelled, 0 to 1; null: too few to say.';
comment on column segmentation.segment_disparity.ratio is 'share_of_segment over share_of_all: 1 where the segment holds the group as all customers do, 2 for twice as many.';
comment on column segmentation.segment_disparity.suppressed is 'True where the number is left out.';
