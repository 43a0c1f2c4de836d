-- Past dates: whether a run's rows are those of its date.

alter table segmentation.scoring_runs
    add column source_time text not null default 'present' check (source_time in ('present', 'dated', 'substituted'));
-- Before, every run read the table as it was. Two days after its date, that was later in every time zone.
update segmentation.scoring_runs
set source_time = 'substituted'
where started_at at time zone 'UTC' >= as_of + 2;
comment on column segmentation.scoring_runs.source_time is 'present: the customers were read on the date itself, or by its own night a little later; dated: from the contract''s dated_source as of the date; substituted: the date was past, and the customers are those of the day of the run.';
comment on column segmentation.scoring_runs.source is 'What the customers were read from: the table, or the contract''s dated_source.';
comment on column segmentation.scoring_runs.source_layout is 'Where explain_customer reads a customer''s present values, which is the contract''s table for every run: schema, table, the key''s header, and of each column its header, the factor into the contract''s unit, and what fills a missing value.';
comment on column segmentation.run_models.model_version_id is 'The champion when the run was planned; for a past date, the champion when the date ended.';
