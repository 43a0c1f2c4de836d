-- What became of every candidate of a version.

create table segmentation.model_selection (
    model_version_id         bigint not null references segmentation.model_versions on delete cascade,
    candidate                integer not null check (candidate >= 1),
    chosen                   boolean not null,
    settings                 jsonb not null,
    verdict                  text not null,
    clusters                 integer,
    smallest_share           double precision check (smallest_share between 0 and 1),
    noise_share              double precision check (noise_share between 0 and 1),
    silhouette               double precision check (silhouette between -1 and 1),
    prediction_strength      double precision check (prediction_strength between 0 and 1),
    min_jaccard              double precision check (min_jaccard between 0 and 1),
    gap                      double precision,
    gap_error                double precision,
    bic                      double precision,
    figures                  jsonb not null,
    primary key (model_version_id, candidate)
);
create unique index one_chosen_a_version on segmentation.model_selection (model_version_id) where chosen;
comment on table segmentation.model_selection is 'One row per candidate that was tried for a version: its figures, and what speaks against it.';
comment on column segmentation.model_selection.model_version_id is 'The version.';
comment on column segmentation.model_selection.candidate is 'Number of the candidate, in the order in which they were proposed.';
comment on column segmentation.model_selection.chosen is 'True for the candidate that became the version.';
comment on column segmentation.model_selection.settings is 'Its settings, such as the number of clusters.';
comment on column segmentation.model_selection.verdict is 'What speaks against it, in words; "passed" when nothing does.';
comment on column segmentation.model_selection.clusters is 'Number of clusters, as of all figures here in a working sample of up to 5,000 customers; null when it could not be fitted.';
comment on column segmentation.model_selection.smallest_share is 'Share of the customers in the smallest cluster, 0 to 1.';
comment on column segmentation.model_selection.noise_share is 'Share of the customers in no cluster, 0 to 1.';
comment on column segmentation.model_selection.silhouette is 'Mean silhouette, -1 to 1; noise counts as 0.';
comment on column segmentation.model_selection.prediction_strength is 'Prediction strength of the weakest cluster, 0 to 1: the share of its pairs of customers that the clustering of the other half also puts together. Null where it was not measured, as of all figures that follow.';
comment on column segmentation.model_selection.min_jaccard is 'Smallest mean bootstrap Jaccard of any cluster, 0 to 1.';
comment on column segmentation.model_selection.gap is 'Gap statistic of the clusters less that of one cluster; K-Means only.';
comment on column segmentation.model_selection.gap_error is 'Its standard error.';
comment on column segmentation.model_selection.bic is 'Bayesian information criterion, smaller is better; Gaussian mixture only.';
comment on column segmentation.model_selection.figures is 'All figures, with those over customers without groups: silhouette or likelihood over uniform noise and over one Gaussian, and their standard errors.';
