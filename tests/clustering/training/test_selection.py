"""The choice among candidates: what the criteria say of data whose answer is known."""

import csv
import logging

import numpy as np
import pytest
import yaml
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from accuracy import Case
from clustering.algorithms.dbscan import GAPS, Dbscan
from clustering.algorithms.kmeans import KMeans as KMeansAlgorithm
from clustering.config import PROJECT, DbscanSpec, GaussianMixtureSpec, KMeansSpec, specification
from clustering.training import evaluation
from clustering.training import selection as selection_module
from clustering.training.selection import select
from clustering.training.setup import Setup
from kinds import NOISE, five_groups_like_mall, isotropic, uniform
from shapes import agreement

DATA = PROJECT.parent / "shared" / "data"
INCOME, SCORE = "Annual Income (k$)", "Spending Score (1-100)"
KMEANS = KMeansSpec(algorithm="kmeans", features=("a", "b"))
GMM = GaussianMixtureSpec(algorithm="gmm", features=("a", "b"))
DBSCAN = DbscanSpec(algorithm="dbscan", features=("a", "b"))
QUICK_KMEANS = KMEANS.model_copy(update={"clusters": (2, 5), "n_init": 10})
QUICK_GMM = GMM.model_copy(update={"components": (2, 5), "covariance_types": ("full", "spherical"), "n_init": 3})
ALL = pytest.mark.parametrize("spec", [QUICK_KMEANS, QUICK_GMM, DBSCAN], ids=lambda spec: spec.algorithm)

pytestmark = pytest.mark.usefixtures("whole_evaluation")


def _read(name, columns):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} does not exist")
    with path.open(encoding="utf-8") as file:
        return np.array([[float(row[column]) for column in columns] for row in csv.DictReader(file)])


def _standardised(rows):
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)


def _noise_alone(labels):
    return np.where(labels < 0, labels.max() + 1 + np.arange(len(labels)), labels)


def _with(spec, **settings):
    return spec.model_copy(update=settings)


@pytest.fixture(scope="module")
def mall():
    return _standardised(_read("mall_customers.csv", [INCOME, SCORE]))


@pytest.fixture(scope="module")
def log_rfm():
    return _standardised(np.log1p(_read("online_retail_rfm.csv", ["recency_days", "frequency", "monetary"])))


@pytest.fixture(scope="module")
def five(mall):
    return KMeans(5, n_init=50, random_state=0).fit(mall).labels_


@pytest.fixture(scope="module")
def kmeans_on_mall(mall, whole_evaluation):
    return select(mall, KMEANS, seed=0)


@pytest.fixture(scope="module")
def gmm_on_mall(mall, whole_evaluation):
    return select(mall, GMM, seed=0)


@pytest.fixture(scope="module")
def dbscan_on_mall(mall, whole_evaluation):
    return select(mall, DBSCAN, seed=0)


def test_kmeans_on_mall_customers(kmeans_on_mall):
    """Five clusters of the published sizes and silhouette, each of them stable."""
    assert kmeans_on_mall.structure == "structured"
    assert kmeans_on_mall.refusal is None
    assert kmeans_on_mall.fitted.settings == {"n_clusters": 5}
    assert sorted(np.bincount(kmeans_on_mall.fitted.labels).tolist(), reverse=True) == [81, 39, 35, 23, 22]
    assert kmeans_on_mall.metrics.silhouette == pytest.approx(0.5547, abs=0.0005)
    assert min(kmeans_on_mall.stability) >= 0.9


def test_every_candidate_is_recorded(kmeans_on_mall):
    """Each has its figures and what speaks against it; one is chosen and nothing speaks against that."""
    candidates = kmeans_on_mall.candidates

    assert [candidate.settings["n_clusters"] for candidate in candidates] == list(range(2, 11))
    assert [candidate.chosen for candidate in candidates] == [clusters == 5 for clusters in range(2, 11)]
    assert all((candidate.verdicts == ()) == candidate.chosen for candidate in candidates)
    assert all({"prediction_strength", "min_jaccard"} <= set(one.figures) for one in candidates[3:])
    assert candidates[3].figures["gap"] > 2 * candidates[3].figures["gap_error"]
    assert candidates[1].verdicts[-1] == "not evaluated: 5 clusters passed, and are preferred"
    assert candidates[4].verdicts[0].startswith("unstable: bootstrap Jaccard")


def test_kmeans_on_mall_customers_with_age():
    """Five clusters are unstable there, and are said to be; four or six are taken."""
    rows = _standardised(_read("mall_customers.csv", ["Age", INCOME, SCORE]))
    selection = select(rows, _with(KMEANS, features=("age", "income", "score")), seed=0)

    assert selection.structure == "structured"
    assert selection.fitted.settings["n_clusters"] in (4, 6)
    assert "unstable" in " ".join(selection.candidates[3].verdicts)


def test_gmm_on_mall_customers(gmm_on_mall, five):
    """Five components that agree with K-Means, whatever their covariances."""
    assert gmm_on_mall.structure == "structured"
    assert gmm_on_mall.fitted.settings["n_components"] == 5
    assert adjusted_rand_score(five, gmm_on_mall.fitted.labels) >= 0.90


def test_dbscan_on_mall_customers(dbscan_on_mall, five):
    """Found without labels: the five groups with little noise, each noise customer counted as a cluster of its own."""
    assert dbscan_on_mall.structure == "structured"
    assert dbscan_on_mall.metrics.noise_share <= 0.10
    assert adjusted_rand_score(five, _noise_alone(dbscan_on_mall.fitted.labels)) >= 0.80


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        ("two winding groups", 101),
        ("two winding groups", 300),
        ("zigzags in 10 % noise", 101),
        ("labyrinth of walls", 301),
    ],
)
def test_thin_groups_are_found_whole(kind, seed):
    """Their pieces persist in the hierarchy too, but at no `eps` for long; wholes may break in bootstraps."""
    rows, groups = Case(kind, 600, seed).draw()
    selection = select(rows, DBSCAN, seed=0)

    assert (selection.structure, selection.refusal) == ("structured", None)
    assert agreement(groups, selection.fitted.labels) >= 0.95


def test_protected_columns_do_not_show_in_the_labels(kmeans_on_mall, gmm_on_mall, dbscan_on_mall):
    """The segments of the Mall customers tell nothing of gender."""
    with (DATA / "mall_customers.csv").open(encoding="utf-8") as file:
        gender = [row["Gender"] for row in csv.DictReader(file)]
    for selection in (kmeans_on_mall, gmm_on_mall, dbscan_on_mall):
        assert adjusted_rand_score(gender, _noise_alone(selection.fitted.labels)) < 0.05


@pytest.mark.slow
def test_kmeans_on_recency_frequency_and_monetary_value(log_rfm):
    """Three clusters pass, and the larger number is taken before the two with the best silhouette."""
    selection = select(log_rfm, _with(KMEANS, features=("recency", "frequency", "monetary")), seed=0)

    assert (selection.structure, selection.fitted.settings) == ("structured", {"n_clusters": 3})


@ALL
def test_uniform_noise_has_no_structure(spec):
    """K-Means divides it into as many segments as are asked for, flagged; the others are refused with the reason."""
    selection = select(_standardised(uniform(1)[:600]), spec, seed=0, segments=4)

    assert selection.structure == "none"
    assert selection.verdict.startswith("no cluster structure")
    if spec.algorithm == "kmeans":
        assert (selection.refusal, selection.fitted.settings) == (None, {"n_clusters": 4})
    else:
        assert selection.refusal == selection.metrics.refusal
        assert str(selection.refusal).startswith(selection.verdict)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        (KMEANS, "5 exponential columns"),
        (KMEANS, "yes or no beside a normal"),
        (KMEANS, "uniform, askew"),
        (GMM, "yes or no beside a normal"),
        pytest.param(GMM, "5 exponential columns", marks=pytest.mark.slow),
        pytest.param(GMM, "uniform, askew", marks=pytest.mark.slow),
    ],
)
def test_skew_and_shared_values_are_no_groups(spec, kind):
    """Columns that do not depend on each other, however skewed, and columns that lean on each other."""
    rows = NOISE[kind](1)[:1_000]
    names = tuple(f"column_{place}" for place in range(rows.shape[1]))

    assert select(_standardised(rows), _with(spec, features=names), seed=0).structure == "none"


def test_candidates_that_noise_does_not_tell_apart_are_compared_with_it_once(monkeypatch):
    """What speaks for groups at any of DBSCAN's settings is drawn and fitted for the first candidate alone."""
    counted = []

    def alike(self, samples, settings, spec, *, seeds):
        counted.append(len(samples))
        return {GAPS: np.arange(len(samples), dtype=float)}

    monkeypatch.setattr(Dbscan, "shows_groups", lambda *_: False)
    monkeypatch.setattr(Dbscan, "statistics_of", alike)
    found = select(_standardised(five_groups_like_mall(1)), DBSCAN, seed=0)

    assert len(found.candidates) > 1
    assert all("no groups" in " ".join(one.verdicts) for one in found.candidates)
    assert counted == [1, evaluation.REFERENCES[0]]


def test_bootstraps_that_a_fit_has_had_are_not_made_again():
    """They count among the last ones: the stability of a candidate that is taken as it is needs only those missing."""
    setup = Setup(_standardised(five_groups_like_mall(1)), 1.0, KMEANS, seed=0)
    settings = {"n_clusters": 5}
    fitted = KMeansAlgorithm().fit(setup.working, settings, KMEANS)
    halves, zeros = np.full((evaluation.FINAL_BOOTSTRAPS, 5), 0.5), np.zeros((evaluation.FINAL_BOOTSTRAPS - 1, 5))

    assert evaluation.final_stability(fitted, settings, setup, known=halves).tolist() == [0.5] * 5
    missing = evaluation.final_stability(fitted, settings, setup, known=zeros) * evaluation.FINAL_BOOTSTRAPS
    assert 0.5 < missing.min() <= missing.max() <= 1.0


def test_a_flag_is_named_and_divides():
    """K-Means takes the two values of a flag for groups: it says so at once, and still divides customers."""
    generator = np.random.default_rng(0)
    rows = np.column_stack([generator.normal(size=500), generator.random(500) < 0.5])
    selection = select(_standardised(rows), _with(KMEANS, features=("spent", "newsletter")), seed=0, segments=4)

    assert (selection.structure, selection.refusal, selection.fitted.settings) == ("none", None, {"n_clusters": 4})
    assert "newsletter takes only 2 different values, which K-Means takes for groups" in selection.verdict


def test_what_is_refused_at_sight_is_fitted_once():
    """A column that a mixture cannot take is a reason known before the first fit."""
    generator = np.random.default_rng(0)
    rows = np.column_stack([generator.normal(size=500), generator.poisson(0.5, 500)])
    selection = select(_standardised(rows), _with(GMM, features=("spent", "visits")), seed=0)

    assert len(selection.candidates) == 1
    assert selection.refusal is not None
    assert selection.refusal.startswith("visits takes only ")


@pytest.mark.soak
@pytest.mark.parametrize("spec", [KMEANS, GMM], ids=lambda spec: spec.algorithm)
def test_five_groups_are_found(spec):
    """Groups as far apart and as large as those of the Mall customers."""
    selection = select(_standardised(five_groups_like_mall(1)), spec, seed=0)

    assert (selection.structure, selection.metrics.clusters) == ("structured", 5.0)


def test_when_no_structure_decides():
    """K-Means can refuse, and the others can divide."""
    rows = _standardised(isotropic(3)[:300])

    assert select(rows, _with(QUICK_KMEANS, when_no_structure="refuse"), seed=0).refusal
    divided = select(rows, _with(QUICK_GMM, when_no_structure="divide", components=(2, 4)), seed=0, segments=3)
    assert (divided.structure, divided.refusal, divided.metrics.clusters) == ("none", None, 3.0)


def _with_threads(threads, rows, spec):
    with threadpool_limits(limits=threads):
        return select(rows, spec, seed=0)


@ALL
def test_two_selections_are_identical(spec):
    """The same rows give the same settings, figures and parameters, whatever the number of threads."""
    rows = _standardised(make_blobs(300, centers=4, random_state=3)[0])
    one, other = (_with_threads(threads, rows, spec) for threads in (1, 2))

    assert one.candidates == other.candidates
    assert one.stability == other.stability
    assert all(np.array_equal(one.fitted.parameters[key], value) for key, value in other.fitted.parameters.items())


def test_progress_is_logged(mall, caplog):
    """Every candidate that is evaluated says what came of it, and the criteria what they found."""
    caplog.set_level(logging.INFO, logger="clustering.training")
    select(mall, _with(KMEANS, clusters=(4, 5)), seed=0)

    assert caplog.messages[0] == "2 candidates fitted, 2 without flaws"
    assert caplog.messages[1] == "{'n_clusters': 5}: passes"
    assert caplog.messages[-1] == "5 clusters: stable, and more than noise shows"


@ALL
def test_many_customers_are_judged_by_a_sample_of_them(spec, monkeypatch):
    """The chosen candidate is fitted to all, with the settings for all; the labels are those of all."""
    monkeypatch.setattr(selection_module, "WORKING_ROWS", 500)
    rows, groups = make_blobs(2000, centers=[[-6, -6], [-6, 6], [6, -6], [6, 6]], random_state=0)
    selection = select(_standardised(rows), spec, seed=0)

    assert len(selection.fitted.labels) == 2000
    assert adjusted_rand_score(groups, selection.fitted.labels) >= 0.99
    assert len(selection.stability) == 4
    assert min(selection.stability) >= 0.85


def test_a_near_tie_keeps_the_champions_number():
    """Settings that pass, or nearly do, are kept unless others are clearly better."""
    rows = _standardised(make_blobs(600, centers=[[0, 0], [8, 0], [4, 7], [4, 30]], random_state=0)[0])
    free, kept, left = (
        select(rows, QUICK_KMEANS, seed=0, incumbent=incumbent)
        for incumbent in (None, {"n_clusters": 4}, {"n_clusters": 3})
    )

    assert free.fitted.settings == kept.fitted.settings == left.fitted.settings == {"n_clusters": 4}


def test_a_declared_number_is_reported_on_and_not_overruled():
    """What a person declares is fitted and used; the version says that the criteria found no groups."""
    rows = _standardised(isotropic(5)[:300])
    for spec in (_with(KMEANS, clusters=(3, 3)), _with(QUICK_GMM, components=(3, 3)), _with(DBSCAN, eps=5.0)):
        selection = select(rows, spec, seed=0)

        assert (selection.structure, selection.refusal) == ("none", None)
        assert "as declared" in selection.verdict


@ALL
def test_what_is_refused_says_what_to_declare(spec):
    """With these keys in the model's file, the same clusters are used, and said to be declared."""
    rows = _standardised(isotropic(5)[:300])
    refused = select(rows, _with(spec, when_no_structure="refuse"), seed=0)
    _, _, declaration = str(refused.refusal).partition("; who wants these clusters all the same declares ")
    settings = yaml.safe_load(declaration.replace(", ", "\n"))
    declared = select(rows, specification({**spec.model_dump(exclude_none=True), **settings}), seed=0)

    assert declared.refusal is None
    assert "as declared" in declared.verdict
    assert declared.metrics.clusters == refused.metrics.clusters


def test_one_declared_cluster_is_no_structure():
    """A single cluster is fitted when it is declared, and said to be none."""
    selection = select(np.random.default_rng(0).normal(size=(100, 2)), _with(KMEANS, clusters=(1, 1)), seed=0)

    assert selection.structure == "none"
    assert "there is only one cluster" in selection.verdict


def test_candidates_beyond_the_rows_are_refused_and_the_others_compared():
    """Numbers of clusters that the customers cannot fill are left out, with the reason."""
    rows = np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 5.0]], 20, axis=0)
    selection = select(rows, _with(KMEANS, clusters=(2, 4)), seed=0)

    assert selection.fitted.settings == {"n_clusters": 3}
    assert "hold 3 different ones" in selection.candidates[2].verdicts[0]


@pytest.fixture(scope="module")
def fifteen():
    places = np.array([[x, y] for x in range(5) for y in range(3)])
    groups = np.repeat(np.arange(15), 40)
    return _standardised(4.5 * places[groups] + np.random.default_rng(0).normal(0, 0.5, (600, 2))), groups


@pytest.mark.parametrize("spec", [KMEANS, GMM], ids=lambda spec: spec.algorithm)
def test_many_groups_of_like_size_are_found_where_no_number_is_declared(spec, fifteen):
    """A few clusters of many groups are stable too, and are not all that is looked at."""
    rows, groups = fifteen
    selection = select(rows, spec, seed=0)

    assert (selection.structure, selection.metrics.clusters) == ("structured", 15.0)
    assert adjusted_rand_score(groups, selection.fitted.labels) >= 0.99
    assert "finer" not in selection.verdict


@pytest.mark.parametrize(
    "spec", [_with(KMEANS, clusters=(2, 6)), _with(QUICK_GMM, components=(2, 6))], ids=lambda spec: spec.algorithm
)
def test_a_declared_range_is_kept_and_finer_groups_are_told_of(spec, fifteen):
    """Who wants few segments gets few, and the verdict says that more pass, and how to have them."""
    selection = select(fifteen[0], spec, seed=0)

    assert 2 <= len(selection.stability) <= 6
    assert selection.verdict.startswith("no cluster structure in the range that the model declares, ")
    assert "; 15 clusters pass: declare " in selection.verdict
    assert selection.verdict.endswith(", or leave the range out")
    assert selection.refusal == (selection.verdict if spec.when_no_structure == "refuse" else None)
    finer = [one for one in selection.candidates if int(next(iter(one.settings.values()))) > 6]
    assert finer
    assert all("not taken: the model declares fewer clusters" in one.verdicts and not one.chosen for one in finer)


def test_finer_groups_are_told_of_beside_the_groups_of_a_range():
    """Groups of groups: the range holds some that pass, and so does what is beyond it."""
    places = np.random.default_rng(0).uniform(-10, 10, (14, 2))
    rows = _standardised(places[np.arange(560) % 14] + np.random.default_rng(0).normal(0, 0.2, (560, 2)))
    selection = select(rows, _with(KMEANS, clusters=(3, 4), n_init=10), seed=0)

    assert selection.structure == "structured"
    assert "; finer groups exist: 13 clusters pass too, more than the model declares" in selection.verdict


def test_a_single_declared_number_is_all_that_is_tried(fifteen):
    """Nothing finer is looked at for a person who has chosen."""
    selection = select(fifteen[0], _with(KMEANS, clusters=(4, 4)), seed=0)

    assert [dict(one.settings) for one in selection.candidates] == [{"n_clusters": 4}]
    assert "finer" not in selection.verdict


FLAGGED = np.column_stack([np.linspace(-1.0, 1.0, 200), np.tile([-1.0, 1.0], 100)])  # fitted, and not judged


@pytest.mark.parametrize(
    ("clusters", "incumbent", "is_tried"), [(None, 13, True), ((2, 3), 13, False), ((3, 4), 2, False)]
)
def test_the_champions_own_number_is_tried_where_the_model_allows_it(clusters, incumbent, is_tried):
    """What a sample calls for changes with it; a range that excludes the champion's number is kept."""
    own = {"n_clusters": incumbent}
    selection = select(FLAGGED, _with(KMEANS, clusters=clusters, n_init=10), seed=0, incumbent=own)

    assert [dict(one.settings) for one in selection.candidates].count(own) == is_tried


def test_the_champions_covariances_are_tried_where_the_model_allows_them():
    """Those that its file no longer names are left out."""
    spec = _with(QUICK_GMM, components=None, covariance_types=("spherical",), n_init=1)
    setup = Setup(np.random.default_rng(0).normal(size=(100, 2)), 1.0, spec, seed=0)
    full, spherical = ({"n_components": 30, "covariance_type": kind} for kind in ("full", "spherical"))

    assert not any(one.has(full) for one in evaluation.candidates(setup, incumbent=full))
    assert any(one.has(spherical) for one in evaluation.candidates(setup, incumbent=spherical))


@pytest.fixture(scope="module")
def ring():
    """Return a ring around a dense group: it is no Gaussian and takes several, of which each sample has others."""
    generator, groups = np.random.default_rng(0), (np.arange(500) % 5 > 0).astype(int)
    angle, radius = generator.uniform(0, 2 * np.pi, 500), 3 + generator.normal(0, 0.2, 500)
    around = radius[:, np.newaxis] * np.column_stack([np.cos(angle), np.sin(angle)])
    return _standardised(np.where(groups[:, np.newaxis], around, generator.normal(0, 0.4, (500, 2)))), groups


def test_components_that_describe_one_group_are_merged(ring):
    """Where as many clusters as components do not pass; who declares the same gets the same."""
    rows, groups = ring
    selection = select(rows, GMM, seed=0)
    settings = selection.fitted.settings
    declared = select(
        rows,
        _with(
            GMM,
            components=(settings["n_components"], settings["n_components"]),
            covariance_types=(settings["covariance_type"],),
            groups=settings["groups"],
        ),
        seed=0,
    )

    assert selection.structure == "structured"
    assert settings["groups"] == 2
    assert settings["n_components"] != 2
    assert adjusted_rand_score(groups, selection.fitted.labels) >= 0.95
    assert np.array_equal(declared.fitted.labels, selection.fitted.labels)


def test_a_column_of_whole_numbers_is_no_obstacle_to_plain_groups(five_rounded):
    """A fifth of the customers share a value, and the values beside it are as frequent."""
    rows, groups = five_rounded
    selection = select(rows, _with(QUICK_GMM, components=(4, 6)), seed=0)

    assert np.unique(rows[:, 0], return_counts=True)[1].max() > 0.1 * len(rows)
    assert (selection.structure, selection.refusal) == ("structured", None)
    assert adjusted_rand_score(groups, selection.fitted.labels) >= 0.95


@pytest.fixture(scope="module")
def five_rounded():
    generator, groups = np.random.default_rng(0), np.arange(500) % 5
    centres = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0], [6.0, 6.0], [12.0, 3.0]])
    rows = centres[groups] + generator.normal(size=(500, 2))
    rows[:, 0] = np.round(rows[:, 0] / 1.5)
    return _standardised(rows), groups
