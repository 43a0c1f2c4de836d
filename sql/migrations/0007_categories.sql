-- Categories that are features are counted by segment beside the protected groups.

alter table segmentation.segment_groups add column is_feature boolean not null default false;
comment on table segmentation.segment_groups is 'One row per date, model, segment and group of a protected column, or category of a column with encode: one_hot. Numbers below min_group are left out, and so are the next larger ones from whose sums they could be told.';
comment on column segmentation.segment_groups.column_name is 'The protected column, or the one of categories, of the source contract.';
comment on column segmentation.segment_groups.is_feature is 'True for a category, which models may see; false for a protected group, which they never do.';
