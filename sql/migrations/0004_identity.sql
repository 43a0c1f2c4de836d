-- The history of segments, the names that analysts give them, and what pruning left of a version.

create table segmentation.segment_events (
    event_id             bigint generated always as identity primary key,
    model                text not null,
    model_version_id     bigint not null references segmentation.model_versions,
    event                text not null check (event in ('birth', 'death', 'split', 'merge', 'rename')),
    segment_id           integer not null check (segment_id >= 1),
    related_segment_ids  integer[] not null default '{}',
    jaccard              double precision check (jaccard between 0 and 1),
    description          text not null,
    occurred_at          timestamptz not null default now()
);
create index on segmentation.segment_events (model, segment_id);
comment on table segmentation.segment_events is 'One row per thing that happened to a segment, written when a version becomes champion.';
comment on column segmentation.segment_events.event_id is 'Number of the event.';
comment on column segmentation.segment_events.model is 'Name of the model.';
comment on column segmentation.segment_events.model_version_id is 'The version that brought it about.';
comment on column segmentation.segment_events.event is 'birth, death, split (one segment fell into several), merge (several became one) or rename. A birth or death that a split or merge explains has no row of its own.';
comment on column segmentation.segment_events.segment_id is 'The segment: the one born, dead, split or renamed, or the one that took up the others in a merge.';
comment on column segmentation.segment_events.related_segment_ids is 'The parts of a split or merge; where the customers of a new segment come from; where those of a dead one go.';
comment on column segmentation.segment_events.jaccard is 'Largest overlap of the segment with a segment of the other version, 0 to 1; null where customers were not compared.';
comment on column segmentation.segment_events.description is 'The event in a sentence.';
comment on column segmentation.segment_events.occurred_at is 'When the version became champion, or when a person gave the name.';

create table segmentation.segment_names (
    model               text not null,
    segment_id          integer not null check (segment_id >= 0),
    segment_name        text check (segment_name <> ''),
    description         text,
    recommended_action  text,
    set_by              text not null default current_user,
    set_at              timestamptz not null default now(),
    primary key (model, segment_id),
    unique (model, segment_name)
);
comment on table segmentation.segment_names is 'What analysts call a segment in place of what the model calls it. Survives retraining; holds from the next run that is published.';
comment on column segmentation.segment_names.model is 'Name of the model.';
comment on column segmentation.segment_names.segment_id is 'The segment.';
comment on column segmentation.segment_names.segment_name is 'Its name; null: as the model calls it.';
comment on column segmentation.segment_names.description is 'Its description; null: the model''s.';
comment on column segmentation.segment_names.recommended_action is 'What to do for its customers; null: the model''s.';
comment on column segmentation.segment_names.set_by is 'Who gave it.';
comment on column segmentation.segment_names.set_at is 'When it was given.';

alter table segmentation.model_versions
    add column sample_rule text,
    add column artifact_pruned_at timestamptz;
comment on column segmentation.model_versions.sample_rule is 'How the customers were drawn that the version was trained on.';
comment on column segmentation.model_versions.artifact_pruned_at is 'When the artifact was removed from the model store to save space; null: it is there. The row stays.';
