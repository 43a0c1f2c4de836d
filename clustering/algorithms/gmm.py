"""Gaussian mixture: the component with the highest posterior probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.attraction import Attraction
from clustering.algorithms.base import (
    Algorithm,
    Assigner,
    Assignment,
    Fitted,
    FloatMatrix,
    FloatVector,
    Labels,
    Parameters,
    Settings,
    Standardised,
    Tried,
)
from clustering.algorithms.blocks import assign_in_blocks
from clustering.algorithms.cluster_checks import require_different_rows, require_every_cluster, small_clusters
from clustering.algorithms.discrete_columns import discrete_columns
from clustering.algorithms.finer import MOST, USUAL, numbers_to_try
from clustering.algorithms.gaussian import coefficients_of, monomials, most_probable, one_gaussian
from clustering.algorithms.merging import GROUPS, Merges, clusters_of, labels_of, merged_components
from clustering.algorithms.mixture_estimator import fit_parameters, free_parameters, make_estimator, shape_of
from clustering.algorithms.mixtures import fit_mixtures, mean_log_likelihood
from clustering.algorithms.threads import one_thread
from clustering.config import GaussianMixtureSpec

BIC, LIKELIHOOD, PERSISTENCE = "bic", "likelihood", "persistence"
PLAIN_GROUPS = "plain_groups"  # 1 where components are merged into groups that are plain, so that these come first
NEAR_REGULARISATION = 1.1
RISES, MOST_WALKED = 3, 20


class GaussianMixture(Algorithm[GaussianMixtureSpec]):
    """A mixture of Gaussians; of the parameters, `weights` is (k,), `means` (k, d) and `covariances` (k, d, d).

    Where components are merged, `groups` (k,) has the cluster of each.
    """

    specification = GaussianMixtureSpec
    proposes_by_sample = True
    least_errors = MappingProxyType(
        {(name, noise): 3.0 for name in (LIKELIHOOD, PERSISTENCE) for noise in ("uniform", "unimodal")}
    )

    def propose(self, features: FloatMatrix, spec: GaussianMixtureSpec, *, share: float = 1.0) -> list[Settings]:
        """Return a candidate for every covariance type and number of components, also beyond a declared range."""
        declared = spec.components
        if spec.groups and not declared:
            declared = (spec.groups, max(spec.groups, USUAL[1]))
        numbers = numbers_to_try(features, declared, seed=spec.seed)
        return [
            _settings(components, covariance_type, groups=spec.groups or components)
            for covariance_type in spec.covariance_types
            for components in numbers
            if components >= (spec.groups or 1)
        ]

    def further(self, tried: Sequence[Tried], spec: GaussianMixtureSpec) -> list[Settings]:
        """Return numbers of components around the best one, until BIC has risen RISES times in a row.

        Beyond MOST_WALKED, where every shape that is no mixture asks for more, customers have to call for a number. The
        best one also with its components merged, which is asked after it, unless its groups are plain: as many as they
        are, components may be stable.
        """
        fitted = [one for one in tried if BIC in one.figures]
        if not fitted or spec.is_declared:
            return []
        found = min(fitted, key=lambda one: one.figures[BIC])
        at, kind = int(found.settings["n_components"]), str(found.settings["covariance_type"])
        low, high = spec.components or (USUAL[0], MOST)
        around = range(max(low, at - RISES), min(high, at + RISES, max(MOST_WALKED, at)) + 1)
        groups = int(found.figures[GROUPS])
        merged = [_settings(at, kind, groups=groups)] if max(low, USUAL[0]) <= groups else []
        return [_settings(number, kind) for number in around] + merged

    def is_declared(self, settings: Settings, spec: GaussianMixtureSpec) -> bool:
        """Whether the covariance type is one to try, and the numbers are within the range, if there is one."""
        low, high = spec.components or (1, np.inf)
        clusters = clusters_of(settings)
        return (
            settings["covariance_type"] in spec.covariance_types
            and low <= int(settings["n_components"]) <= high
            and (clusters == spec.groups if spec.groups else clusters >= low)
        )

    def declaration(self, settings: Settings) -> str:
        """Return number and covariances of the components as a model's file declares them."""
        merged = f", groups: {settings[GROUPS]}" if GROUPS in settings else ""
        return f"components: {settings['n_components']}, covariance_types: [{settings['covariance_type']}]{merged}"

    def fit(
        self, features: FloatMatrix, settings: Settings, spec: GaussianMixtureSpec, *, start: Fitted | None = None
    ) -> Fitted:
        """Fit a mixture with `spec.reg_covar` on every variance.

        It has `spec.n_init` starts from `spec.seed`, or goes on from `start`. Raises TrainingError for fewer different
        rows than components, and for a component that wins no row.
        """
        components = int(settings["n_components"])
        require_different_rows(features, max(components, 2))
        with one_thread():
            parameters = fit_parameters(features, settings, spec, start=start)
        if GROUPS in settings:
            parameters = {**parameters, GROUPS: merged_components(parameters, int(settings[GROUPS]))}
        labels = self.assigner(parameters)(features).labels
        require_every_cluster(labels, clusters_of(settings))
        estimator = partial(make_estimator, features, parameters, settings, spec)
        return Fitted(estimator, settings, parameters, labels)

    def doubts(self, fitted: Fitted, spec: GaussianMixtureSpec) -> list[str]:
        """Return doubts for small components, and for a variance that only `reg_covar` keeps from vanishing.

        Such a component has found a discrete or duplicated direction instead of a group.
        """
        least = spec.gate.min_share
        found = small_clusters(fitted.labels, clusters=clusters_of(fitted.settings), least_share=least)
        weight = float(fitted.parameters["weights"].min())
        if weight < least and GROUPS not in fitted.settings:
            found.append(f"the smallest component weighs {100 * weight:.2f} %, under {100 * least:g} %")
        variance = float(np.linalg.eigvalsh(fitted.parameters["covariances"]).min())
        if variance <= NEAR_REGULARISATION * spec.reg_covar:
            found.append(f"the smallest variance, {variance:.3g}, is that of reg_covar, {spec.reg_covar:g}")
        return found

    def assigner(self, parameters: Parameters) -> Assigner:
        """Return the assigner of `coefficients` (k, d(d + 3)/2 + 1).

        The logarithm of a component's weighted density is a quadratic form, so one matrix product gives all of them.
        The confidence is the posterior probability of the chosen component, or of all those it is merged with.
        """
        coefficients = np.ascontiguousarray(parameters["coefficients"], dtype=np.float64)
        kernel = partial(most_probable, coefficients, labels_of(parameters))

        def assign(features: FloatMatrix, /) -> Assignment:
            return assign_in_blocks(features, kernel)

        return assign

    def attractions(self, parameters: Parameters) -> list[Attraction]:
        """Return minus the logarithms of the weighted densities.

        p is the mean, F half the precision matrix, c = −log(weight · √det(precision / 2π)).
        """
        means, weights = parameters["means"], parameters["weights"]
        dimensions = means.shape[1]
        precisions = np.linalg.inv(parameters["covariances"])
        halves = (precisions + np.swapaxes(precisions, 1, 2)) / 4
        constants = -np.log(weights) - 0.5 * np.linalg.slogdet(precisions)[1] + 0.5 * dimensions * np.log(2 * np.pi)
        return [
            Attraction(int(label), means[place : place + 1], halves[place], float(constants[place]))
            for place, label in enumerate(labels_of(parameters))
        ]

    def reasons_against(self, features: FloatMatrix, names: Sequence[str]) -> list[str]:
        """Return a reason for each column in which a mixture finds values instead of groups."""
        return discrete_columns(features, names)

    def figures(self, fitted: Fitted, features: FloatMatrix) -> dict[str, float]:
        """Return the Bayesian information criterion (Schwarz, 1978), and into how many groups the density falls."""
        components, dimensions = fitted.parameters["means"].shape
        free = free_parameters(components, dimensions, str(fitted.settings["covariance_type"]))
        coefficients = fitted.parameters["coefficients"]
        bic = free * np.log(len(features)) - 2 * len(features) * mean_log_likelihood(features, coefficients)
        merges = Merges.of(fitted.parameters)
        found = {BIC: float(bic), GROUPS: float(merges.groups)}
        if GROUPS in fitted.settings:
            found[PLAIN_GROUPS] = float(merges.are_plain(int(fitted.settings[GROUPS])))
        return found

    def outdone(self, own: Tried, rivals: Sequence[Tried]) -> list[str]:
        """Return that another covariance type has a better BIC at the same number of components."""
        alike = [one for one in rivals if (GROUPS in one.settings) == (GROUPS in own.settings)]
        best = min(alike, key=lambda one: one.figures[BIC])
        if best is own:
            return []
        other = best.settings["covariance_type"]
        return [f"BIC {own.figures[BIC]:.1f}, where {other} covariances have {best.figures[BIC]:.1f}"]

    def is_plainer(self, one: Settings, other: Settings) -> bool:
        """Whether as many components are as many clusters as others that had to be merged."""
        return GROUPS in other and GROUPS not in one and clusters_of(one) == clusters_of(other)

    def refits(
        self,
        features: FloatMatrix,
        drawn: NDArray[np.intp],
        settings: Settings,
        spec: GaussianMixtureSpec,
        *,
        seeds: Sequence[int],
    ) -> list[Labels | None]:
        """Label all rows (n, d) by a mixture of each sample (b, m); None where a component wins no row."""
        mixtures = fit_mixtures(features[drawn], int(settings["n_components"]), shape_of(settings, spec), seeds=seeds)
        products = monomials(features.T)
        found: list[Labels | None] = []
        clusters = clusters_of(settings)
        each = zip(drawn, mixtures.means, mixtures.covariances, mixtures.coefficients, strict=True)
        for rows, means, covariances, coefficients in each:
            labels = (coefficients @ products).argmax(axis=0).astype(np.int32)
            if clusters < len(means):
                labels = Merges(means, covariances, coefficients).grouped(clusters).astype(np.int32)[labels]
            found.append(labels if np.bincount(labels[rows], minlength=clusters).all() else None)
        return found

    def statistics_of(
        self, samples: NDArray[np.float64], settings: Settings, spec: GaussianMixtureSpec, *, seeds: Sequence[int]
    ) -> dict[str, FloatVector]:
        """Return the gain of mean log likelihood over one Gaussian (the likelihood ratio of McLachlan, 1987).

        Of merged components, also how persistent the weakest group is.
        """
        mixtures = fit_mixtures(samples, int(settings["n_components"]), shape_of(settings, spec), seeds=seeds)
        found = {LIKELIHOOD: mixtures.likelihoods - np.array([one_gaussian(rows) for rows in samples])}
        if GROUPS in settings:
            merges = map(Merges, mixtures.means, mixtures.covariances, mixtures.coefficients)
            found[PERSISTENCE] = np.array([one.persistence(int(settings[GROUPS])) for one in merges])
        return found

    def rank(self, clusters: int, figures: Mapping[str, float]) -> float:
        """Return minus the BIC; of as many components, those of plain groups come first when merged."""
        return figures.get(PLAIN_GROUPS, 0.0) / 2 - figures.get(BIC, np.inf)

    def cost(self, parameters: Parameters, own: Standardised, common: Standardised) -> float:
        """Return the perplexity exp(−mean log likelihood) in the common scale."""
        volume = float(np.log(own.scale / common.scale).sum())
        precisions = np.linalg.inv(parameters["covariances"])
        coefficients = coefficients_of(parameters["weights"], parameters["means"], precisions)
        return float(np.exp(volume - mean_log_likelihood(own.features, coefficients)))


def _settings(components: int, covariance_type: str, *, groups: int | None = None) -> Settings:
    """Return settings of so many components, merged into groups where these are fewer."""
    merged = {GROUPS: groups} if groups is not None and groups < components else {}
    return {"n_components": components, "covariance_type": covariance_type, **merged}
