-- The versions, and what was decided on them.
-- Read by: segmentation_reader, segmentation_dashboard.

create or replace view segmentation.model_history as
with appointment as (
    select
        promotion_id,
        decided_at as champion_from,
        lead(decided_at) over (partition by model order by decided_at, promotion_id) as champion_until
    from segmentation.promotions
    where decision in ('promoted', 'rolled_back')
)
select
    version.model,
    version.version,
    version.status,
    version.structure,
    decision.decision,
    decision.reason,
    decision.decided_by,
    decision.decided_at,
    appointment.champion_from,
    appointment.champion_until,
    version.algorithm,
    version.features,
    version.settings,
    chosen.clusters,
    chosen.silhouette,
    chosen.prediction_strength,
    chosen.min_jaccard,
    chosen.smallest_share,
    chosen.noise_share,
    version.sample_rows,
    version.trained_at,
    version.model_version_id
from segmentation.model_versions as version
left join segmentation.promotions as decision on decision.model_version_id = version.model_version_id
left join appointment on appointment.promotion_id = decision.promotion_id
left join segmentation.model_selection as chosen
    on chosen.model_version_id = version.model_version_id and chosen.chosen;
comment on view segmentation.model_history is 'One row per version and decision on it: what was trained, what was decided and why, and when the version was champion.';
comment on column segmentation.model_history.model is 'Name of the model.';
comment on column segmentation.model_history.version is 'Number of the version within its model: 1, 2, 3 ..., never reused.';
comment on column segmentation.model_history.status is 'What the version is now: candidate, champion, retired or refused.';
comment on column segmentation.model_history.structure is 'structured: groups were found; none: the customers are a continuum, and the segments divide it.';
comment on column segmentation.model_history.decision is 'promoted, refused or rolled_back; null where nobody has decided.';
comment on column segmentation.model_history.reason is 'Why, in a sentence.';
comment on column segmentation.model_history.decided_by is 'Who decided: a person or the DAG''s gate.';
comment on column segmentation.model_history.decided_at is 'When it was decided.';
comment on column segmentation.model_history.champion_from is 'Since when the decision made it champion; null where it did not.';
comment on column segmentation.model_history.champion_until is 'Until when; null while it is.';
comment on column segmentation.model_history.algorithm is 'kmeans, dbscan or gmm.';
comment on column segmentation.model_history.features is 'Columns that go into the distance.';
comment on column segmentation.model_history.settings is 'Settings that the selection chose, such as the number of clusters.';
comment on column segmentation.model_history.clusters is 'Number of clusters that the selection found in its working sample; null for versions without a record of it, as the figures that follow.';
comment on column segmentation.model_history.silhouette is 'Mean silhouette, -1 to 1; noise counts as 0.';
comment on column segmentation.model_history.prediction_strength is 'Prediction strength of the weakest cluster, 0 to 1.';
comment on column segmentation.model_history.min_jaccard is 'Smallest mean bootstrap Jaccard of any cluster, 0 to 1.';
comment on column segmentation.model_history.smallest_share is 'Share of the customers in the smallest cluster, 0 to 1.';
comment on column segmentation.model_history.noise_share is 'Share of the customers in no cluster, 0 to 1.';
comment on column segmentation.model_history.sample_rows is 'Valid customers that the version was trained on.';
comment on column segmentation.model_history.trained_at is 'When the version was trained.';
comment on column segmentation.model_history.model_version_id is 'The version''s number among all models.';
