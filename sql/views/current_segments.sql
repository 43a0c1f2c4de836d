-- The segments as they are now. {averages} are the columns avg_<column> of the contract, with a comma after each.
-- Read by: segmentation_reader, segmentation_dashboard.

create or replace view segmentation.current_segments as
select
    segment.as_of,
    segment.model,
    segment.segment_id,
    segment.segment_name,
    segment.description,
    segment.recommended_action,
    segment.customers,
    segment.share,
    {averages}
    segment.rule,
    segment.rule_sql,
    segment.rule_coverage,
    segment.rule_precision,
    segment.rule_fidelity,
    segment.stability,
    segment.stability_band,
    segment.structure,
    segment.run_id,
    segment.model_version_id,
    segment.averages_empty_because
from segmentation.segments as segment
join segmentation.current_models as current on current.as_of = segment.as_of and current.model = segment.model;
comment on view segmentation.current_segments is 'One row per model and segment, as of the latest date: the segments as they are now. Averages are rounded to three significant digits; averages_empty_because says why one is null.';
comment on column segmentation.current_segments.as_of is 'The business date.';
comment on column segmentation.current_segments.model is 'Name of the model: kmeans, dbscan, gmm.';
comment on column segmentation.current_segments.segment_id is 'Number of the segment, stable across versions; 0 for outliers.';
comment on column segmentation.current_segments.segment_name is 'Name of the segment.';
comment on column segmentation.current_segments.description is 'What its customers have in common.';
comment on column segmentation.current_segments.recommended_action is 'What to do for its customers.';
comment on column segmentation.current_segments.customers is 'Customers in the segment.';
comment on column segmentation.current_segments.share is 'Share of the model''s labelled customers, 0 to 1.';
{average_comments}
comment on column segmentation.current_segments.rule is 'What the segment''s customers have in common, in plain words; "approximately" where fidelity, coverage or precision is below 0.9. Learnt when the version was trained.';
comment on column segmentation.current_segments.rule_sql is 'The same as a condition on the contract''s columns, in the contract''s units, for valid customers. Null for outliers and where no short rule exists.';
comment on column segmentation.current_segments.rule_coverage is 'Share of the segment''s customers that the rule selects, 0 to 1, in the training sample.';
comment on column segmentation.current_segments.rule_precision is 'Share of the customers selected by the rule that are in the segment, 0 to 1, in the training sample.';
comment on column segmentation.current_segments.rule_fidelity is 'Share of all customers that the version''s rules together put into their segment, 0 to 1, in the training sample.';
comment on column segmentation.current_segments.stability is 'Jaccard similarity of the segment with its like in bootstrapped trainings, mean, 0 to 1; null where it was not measured.';
comment on column segmentation.current_segments.stability_band is 'How well it is found again in other samples (Hennig): highly stable from 0.85, valid from 0.75; pattern from 0.6: there is something, but who belongs to it is doubtful; do not trust below.';
comment on column segmentation.current_segments.structure is 'structured: groups were found; none: the customers are a continuum, and the segments divide it.';
comment on column segmentation.current_segments.run_id is 'The run that made this row.';
comment on column segmentation.current_segments.model_version_id is 'The version that labelled the customers.';
comment on column segmentation.current_segments.averages_empty_because is 'Why averages are null, by column where they differ: too few customers, nobody with a value, or an average that would tell that of too few; null where no average is.';
