"""What holds for the assigners of all three algorithms."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_blobs
from threadpoolctl import threadpool_limits

from clustering.algorithms import algorithm
from clustering.algorithms.base import Settings
from clustering.algorithms.blocks import BLOCK_ROWS
from clustering.algorithms.gaussian import monomials, most_probable
from clustering.config import DbscanSpec, GaussianMixtureSpec, KMeansSpec

SPECS = {
    "kmeans": KMeansSpec(algorithm="kmeans", features=("a", "b")),
    "gmm": GaussianMixtureSpec(algorithm="gmm", features=("a", "b")),
    "dbscan": DbscanSpec(algorithm="dbscan", features=("a", "b")),
}
SETTINGS: dict[str, Settings] = {
    "kmeans": {"n_clusters": 5},
    "gmm": {"n_components": 5, "covariance_type": "full"},
    "dbscan": {"eps": 0.2, "min_samples": 5},
}
NAMES = sorted(SPECS)


def _rows(rows, dimensions=2, seed=0):
    features = make_blobs(rows, n_features=dimensions, centers=5, cluster_std=1.5, random_state=seed)[0]
    return np.ascontiguousarray((features - features.mean(axis=0)) / features.std(axis=0))


def _fitted_in(dimensions, name):
    settings = {"eps": 0.4 * dimensions, "min_samples": 5} if name == "dbscan" else SETTINGS[name]
    return algorithm(name).fit(_rows(800, dimensions), settings, SPECS[name])


@pytest.fixture(scope="module", params=NAMES)
def assigner(request):
    name = request.param
    return algorithm(name).assigner(algorithm(name).fit(_rows(800), SETTINGS[name], SPECS[name]).parameters)


@pytest.fixture(scope="module")
def rows():
    return _rows(3 * BLOCK_ROWS + 17, seed=1)


def _equal(one, other):
    return np.array_equal(one.labels, other.labels) and np.array_equal(one.confidence, other.confidence)


def _at(assignment, places):
    return type(assignment)(labels=assignment.labels[places], confidence=assignment.confidence[places])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(0, 3 * BLOCK_ROWS))
def test_any_choice_of_rows_in_any_order_is_labelled_alike(assigner, rows, seed, size):
    """A row's label and confidence are the same bits whichever rows stand around it."""
    places = np.random.default_rng(seed).integers(0, len(rows), size)

    assert _equal(assigner(rows[places]), _at(assigner(rows), places))


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 3 * BLOCK_ROWS), max_size=6))
def test_batches_of_any_size_are_labelled_alike(assigner, rows, cuts):
    """Cutting rows into batches changes no bit of their labels and confidences."""
    whole = assigner(rows)
    parts = [assigner(part) for part in np.split(rows, sorted(cuts))]

    assert np.array_equal(np.concatenate([part.labels for part in parts]), whole.labels)
    assert np.array_equal(np.concatenate([part.confidence for part in parts]), whole.confidence)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_labelled_alike_at_every_place_of_a_block(name, dimensions):
    """No place of the fixed block is calculated differently, with few features or many."""
    assign = algorithm(name).assigner(_fitted_in(dimensions, name).parameters)
    row = _rows(50, dimensions, seed=3)[7:8]

    assert _equal(assign(np.repeat(row, BLOCK_ROWS + 5, axis=0)), _at(assign(row), np.zeros(BLOCK_ROWS + 5, int)))


@pytest.mark.parametrize("threads", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_the_number_of_threads_changes_nothing(name, threads):
    """The numerical libraries' threads change no bit."""
    rows = _rows(BLOCK_ROWS, 6, seed=4)
    assign = algorithm(name).assigner(_fitted_in(6, name).parameters)
    with threadpool_limits(limits=1):
        expected = assign(rows)
    with threadpool_limits(limits=threads):
        assert _equal(assign(rows), expected)


def test_densities_are_summed_term_by_term():
    """The mixture's matrix product is the sum in the order of the monomials, whatever the machine."""
    columns = np.ascontiguousarray(_rows(BLOCK_ROWS, 4).T)
    coefficients = np.random.default_rng(0).normal(size=(5, 15))
    expected = np.zeros((5, BLOCK_ROWS))
    for place, monomial in enumerate(monomials(columns)):
        expected += coefficients[:, [place]] * monomial
    labels, _ = most_probable(coefficients, np.arange(5, dtype=np.int32), columns)

    assert np.array_equal(labels, expected.argmax(axis=0))
    assert np.array_equal(np.einsum("km,mn->kn", coefficients, monomials(columns)), expected)


def test_types_and_rounding(assigner, rows):
    """Labels are int32; confidences are float32 between 0 and 1, rounded to 6 decimals."""
    assignment = assigner(rows)

    assert assignment.labels.dtype == np.int32
    assert assignment.confidence.dtype == np.float32
    assert assignment.confidence.min() >= 0
    assert assignment.confidence.max() <= 1
    assert np.array_equal(np.round(assignment.confidence.astype(float), 6).astype(np.float32), assignment.confidence)


def test_no_rows_give_no_labels(assigner):
    """An empty batch is labelled with nothing."""
    assignment = assigner(np.empty((0, 2)))

    assert assignment.labels.tolist() == []
    assert assignment.confidence.tolist() == []


def test_rows_far_away_are_labelled(assigner):
    """The largest doubles neither overflow nor warn."""
    assignment = assigner(np.array([[1e308, -1e308], [-1e308, 0.0], [1e200, 1e200]]))

    assert set(assignment.labels.tolist()) <= {-1, 0, 1, 2, 3, 4}
    assert np.isfinite(assignment.confidence).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_training_rows_keep_their_labels(name):
    """`Fitted.labels` are what the assigner says of the training rows."""
    rows = _rows(700)
    fitted = algorithm(name).fit(rows, SETTINGS[name], SPECS[name])

    assert np.array_equal(fitted.labels, algorithm(name).assigner(fitted.parameters)(rows).labels)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_plain_arrays(name, tmp_path):
    """Parameters survive a file that is read without unpickling."""
    fitted = algorithm(name).fit(_rows(300), SETTINGS[name], SPECS[name])
    np.savez(tmp_path / "parameters.npz", allow_pickle=False, **fitted.parameters)
    with np.load(tmp_path / "parameters.npz", allow_pickle=False) as stored:
        parameters = dict(stored)

    rows = _rows(500, seed=5)
    assert _equal(algorithm(name).assigner(parameters)(rows), algorithm(name).assigner(fitted.parameters)(rows))


@pytest.mark.parametrize("name", NAMES)
def test_two_fits_are_identical(name):
    """The same rows in the same order give the same parameters, bit for bit."""
    rows = _rows(2000)
    one, other = (algorithm(name).fit(rows, SETTINGS[name], SPECS[name]).parameters for _ in range(2))

    assert all(np.array_equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_training_rows_hardly_matters(name):
    """Shuffled training rows give the same clusters under the same numbers."""
    rows = make_blobs(600, centers=5, cluster_std=0.5, random_state=8)[0]
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    shuffled = np.random.default_rng(0).permutation(len(rows))
    labels = algorithm(name).fit(rows, SETTINGS[name], SPECS[name]).labels

    assert np.array_equal(algorithm(name).fit(rows[shuffled], SETTINGS[name], SPECS[name]).labels, labels[shuffled])


def test_assigning_needs_no_scikit_learn():
    """Labels come from arrays where scikit-learn cannot be imported."""
    program = """
import sys
sys.modules["sklearn"] = None
import numpy as np
from clustering.algorithms import algorithm
rows = np.array([[0.1, 0.0], [1.0, 0.9]])
centres = np.array([[0.0, 0.0], [1.0, 1.0]])
coefficients = np.array([[-0.5, 0, -0.5, 0, 0, 0], [-0.5, 0, -0.5, 1, 1, -1]])
print(algorithm("kmeans").assigner({"centroids": centres})(rows).labels)
print(algorithm("gmm").assigner({"coefficients": coefficients})(rows).labels)
core_labels = np.array([0, 1])
print(algorithm("dbscan").assigner({"core": centres, "core_labels": core_labels, "eps": np.array(0.5)})(rows).labels)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert answer.stdout == "[0 1]\n" * 3
