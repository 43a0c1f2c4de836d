-- The charts of examples/superset as queries, for Metabase, Power BI, Grafana and other tools: one a view, named after
-- it. Each runs as it is by a login with the role segmentation_reader. Put your model in place of 'kmeans'; where a tool
-- has variables, one for the model, and one for the date in place of the latest.

-- name: current_segments
-- Segments tonight: a ring, or a table with what to do.
select segment_name, customers, share, recommended_action
from segmentation.current_segments
where model = 'kmeans'
order by customers desc;

-- name: segment_health
-- Can I trust it tonight: a table.
select segment_name, trust, reasons, age_days, drift_alarms, rejected_share
from segmentation.segment_health
where model = 'kmeans'
order by segment_name;

-- name: segment_trend
-- Size of each segment over time: a line a segment.
select as_of, segment_name, customers
from segmentation.segment_trend
where model = 'kmeans'
order by as_of, segment_name;

-- name: segments
-- Share of each segment over time: stacked bars.
select as_of, segment_name, share
from segmentation.segments
where model = 'kmeans'
order by as_of, segment_name;

-- name: current_models
-- What is shown now: a table.
select model, as_of, published_at, run_id
from segmentation.current_models
order by model;

-- name: segment_flows
-- Who moved where since the date before: a Sankey diagram from source to target.
select source, target, customers
from segmentation.segment_flows
where
    model = 'kmeans' and has_moved
    and as_of = (select max(as_of) from segmentation.segment_flows where model = 'kmeans')
order by customers desc;

-- name: segment_migrations
-- Why they moved, date by date: stacked bars.
select
    as_of,
    sum(by_behaviour) as behaviour, sum(by_time) as passing_time, sum(by_model) as model, sum(by_source) as source
from segmentation.segment_migrations
where model = 'kmeans'
group by as_of
order by as_of;

-- name: segment_events
-- What happened to the segments: a table.
select occurred_at, model, event, description
from segmentation.segment_events
where model = 'kmeans'
order by occurred_at desc;

-- name: segment_changes
-- Changes, one row a customer: a table.
select change_id, as_of, kind, customer_id, from_segment_name, to_segment_name, cause
from segmentation.segment_changes
where model = 'kmeans'
order by change_id desc
limit 200;

-- name: segment_profiles
-- What the customers of each segment look like: a pivot table, a column of it for each column_name.
select segment_id, column_name, mean
from segmentation.segment_profiles
where
    model = 'kmeans'
    and as_of = (select max(as_of) from segmentation.segment_profiles where model = 'kmeans')
order by segment_id, column_name;

-- name: overall_averages
-- What all customers look like: a table.
select column_name, mean
from segmentation.overall_averages
where
    model = 'kmeans'
    and as_of = (select max(as_of) from segmentation.overall_averages where model = 'kmeans')
order by column_name;

-- name: segment_disparity
-- Protected groups, more of one than among all: a heat map, white at 1.
select segment_name, group_name, ratio
from segmentation.segment_disparity
where
    model = 'kmeans'
    and as_of = (select max(as_of) from segmentation.segment_disparity where model = 'kmeans')
order by segment_name, group_name;

-- name: segment_groups
-- Protected groups, counted: a pivot table, a column of it for each group.
select segment_id, column_name, group_name, customers
from segmentation.segment_groups
where
    model = 'kmeans'
    and not is_feature
    and as_of = (select max(as_of) from segmentation.segment_groups where model = 'kmeans')
order by segment_id, column_name, group_name;

-- name: customer_segments
-- Members, the surest first: a table.
select customer_id, segment_name, confidence
from segmentation.customer_segments
order by confidence desc
limit 200;

-- name: customer_history
-- Who was where, the latest first: a table.
select customer_id, segment_name, valid_from, valid_to
from segmentation.customer_history
where model = 'kmeans'
order by valid_from desc
limit 200;

-- name: current_customer_segments
-- Customers by model and segment: bars side by side.
select model, segment_name, count(*) as customers
from segmentation.current_customer_segments
group by model, segment_name
order by segment_name, model;

-- name: segment_history
-- How many came into each segment, by date: bars on a logarithmic axis, since on the first date everybody came.
select valid_from, segment_id, count(*) as customers
from segmentation.segment_history
where model = 'kmeans'
group by valid_from, segment_id
order by valid_from, segment_id;

-- name: model_history
-- Versions and who decided: a table.
select model, version, decision, reason, decided_by, champion_from, champion_until
from segmentation.model_history
where model = 'kmeans'
order by decided_at desc;

-- name: drift_checks
-- Drift since the training: a table.
select check_name, subject, statistic, threshold, alarm, description
from segmentation.drift_checks
where
    model = 'kmeans'
    and as_of = (select max(as_of) from segmentation.drift_checks where model = 'kmeans')
order by alarm desc, check_name;
