"""`<model>.yaml`: how a model is trained and promoted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, Union, get_args

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, TypeAdapter, model_validator

from clustering.config.frozen import Frozen, Identifier


def _as_range(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value, value)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{value!r} is neither a whole number nor a pair such as [2, 10]")
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("has to be one line without control characters")
    return value


def _ordered(value: tuple[int, int]) -> tuple[int, int]:
    if value[0] > value[1]:
        raise ValueError(f"{list(value)}: the first number is the smaller one")
    return value


ClusterRange = Annotated[
    tuple[Annotated[int, Field(ge=1, le=100)], Annotated[int, Field(ge=1, le=100)]],
    BeforeValidator(_as_range),
    AfterValidator(_ordered),
]

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60),  # fits into a heading and a list
    AfterValidator(_printable),
]


class Gate(Frozen):
    """The limits within which a candidate takes the champion's place.

    Customers may change segment because of the model up to `max_movement`, beyond it only if that is worth it: if the
    silhouette gains `worthwhile_gain`, or if the champion costs more than `max_price_of_stability` times a refit.
    """

    max_quality_loss: float = Field(default=0.02, ge=0)
    """By how much the silhouette may fall short of the champion's, on the same customers."""
    min_stability: float = Field(default=0.6, ge=0, le=1)
    """The least stability of a segment, a bootstrap Jaccard."""
    min_share: float = Field(default=0.01, ge=0, lt=1)
    """The least share of the customers that a segment holds."""
    max_movement: float = Field(default=0.1, ge=0, le=1)
    """The share of customers who may change segment because of the model alone."""
    worthwhile_gain: float = Field(default=0.02, ge=0)
    """A gain of the silhouette that more movement is worth."""
    max_price_of_stability: float = Field(default=1.05, ge=1)
    """How many times the cost of a refit keeping the champion may have, before more movement is worth it."""


class ModelSpec(Frozen):
    """What every algorithm's models have in common; an algorithm adds its name and its own settings."""

    if TYPE_CHECKING:
        algorithm: str  # a literal, declared by each algorithm's own class: it tells them apart

    has_noise: ClassVar[bool] = False  # whether a customer can be left outside of every cluster
    most_noise: ClassVar[float] = 0.0  # the largest share of customers outside of every cluster that is structure
    takes_categories: ClassVar[bool] = False  # whether its distances may be made of categories

    title: Title | None = None
    """What people call it on pages and in reports, in at most 60 characters; null makes it from the file's name: Kmeans
    four from `kmeans_four`."""
    features: tuple[Identifier, ...] = Field(min_length=1)
    """The columns to cluster by; each has the role cluster in the contract."""
    sample_rows: int = Field(default=200_000, ge=10)
    """How many customers a training takes."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Where chance starts; the same seed and customers give the same version."""
    when_no_structure: Literal["divide", "refuse"] = "refuse"
    """What to do where the customers form no groups: divide them into even parts, or refuse the version."""
    gate: Gate = Gate()
    """The limits within which a new version is promoted."""
    keep_versions: int = Field(default=10, ge=1)
    """How many versions keep their artifacts; champions and whatever is still in use keep theirs in any case."""

    @model_validator(mode="after")
    def _check_features(self) -> Self:
        if len(set(self.features)) != len(self.features):
            raise ValueError(f"features: every column stands once, found {list(self.features)}")
        return self

    @property
    @abstractmethod
    def is_declared(self) -> bool:
        """Whether a person chose what decides how many clusters there are."""


class KMeansSpec(ModelSpec):
    """K-Means: the numbers of clusters to try and the starts per fit."""

    takes_categories: ClassVar[bool] = True

    algorithm: Literal["kmeans"]
    """K-Means."""
    clusters: ClusterRange | None = None
    """The numbers of clusters to try; one number declares it. Null tries 2 to 10, and up to 50 where customers
    call for more."""
    n_init: int = Field(default=20, ge=10)
    """Starts per fit."""
    when_no_structure: Literal["divide", "refuse"] = "divide"
    """What to do where the customers form no groups: divide them into even parts, or refuse the version."""

    @property
    def is_declared(self) -> bool:
        """Whether a person chose the number of clusters."""
        return self.clusters is not None and self.clusters[0] == self.clusters[1]


class GaussianMixtureSpec(ModelSpec):
    """Gaussian mixture: the numbers of components and the covariance types to try."""

    algorithm: Literal["gmm"]
    """Gaussian mixture."""
    components: ClusterRange | None = None
    """The numbers of components to try; one number declares it. Null tries 2 to 10, and up to 50 where
    customers call for more."""
    covariance_types: tuple[Literal["full", "tied", "diag", "spherical"], ...] = Field(
        default=("full", "tied", "diag", "spherical"), min_length=1
    )
    """The shapes of covariance to try."""
    groups: int | None = Field(default=None, ge=2, le=100)
    """The clusters that the components are merged into, since a group that is no Gaussian takes several; null merges
    them where as many clusters as components do not pass."""
    reg_covar: float = Field(default=1e-3, ge=1e-6, le=1)
    """Added to every variance of the standardised features."""
    n_init: int = Field(default=10, ge=1)
    """Starts per fit."""

    @property
    def is_declared(self) -> bool:
        """Whether a person chose the number of components, or of the groups that they are merged into."""
        return self.groups is not None or (self.components is not None and self.components[0] == self.components[1])

    @model_validator(mode="after")
    def _check_groups(self) -> Self:
        if self.groups and self.components and self.components[1] < self.groups:
            raise ValueError(
                f"groups: {self.components[1]} components are no {self.groups} groups; declare more of them"
            )
        return self


class DbscanSpec(ModelSpec):
    """DBSCAN: its two settings, found from the data where they are null."""

    has_noise: ClassVar[bool] = True
    most_noise: ClassVar[float] = 0.30

    algorithm: Literal["dbscan"]
    """DBSCAN."""
    sample_rows: int = Field(default=20_000, ge=10, le=50_000)  # min_samples, and so memory, grows with them
    """How many customers a training takes."""
    eps: float | None = Field(default=None, gt=0)
    """The distance that makes neighbours, in standard deviations; null finds it in the data, and there looks for
    density between the values of a column of whole numbers too, which many customers share."""
    min_samples: int | None = Field(default=None, ge=2)
    """The customers within eps that make a core point; null finds it."""

    @property
    def is_declared(self) -> bool:
        """Whether a person chose `eps`."""
        return self.eps is not None


_registered: dict[str, type[ModelSpec]] = {}


def algorithm_of(kind: type[ModelSpec]) -> str:
    """Return the name of the algorithm whose settings these are.

    >>> algorithm_of(KMeansSpec)
    'kmeans'
    """
    name: str = get_args(kind.model_fields["algorithm"].annotation)[0]
    return name


def register_specification(kind: type[ModelSpec]) -> None:
    """Let models' files name an algorithm, and hold them to its settings."""
    _registered[algorithm_of(kind)] = kind


def registered_specifications() -> Mapping[str, type[ModelSpec]]:
    """Return the settings of each algorithm that models' files may name."""
    return _registered


def specification(settings: Any) -> ModelSpec:
    """Return the keys of a model's file as values; pydantic's ValidationError, whose place starts with the algorithm.

    >>> specification({"algorithm": "kmeans", "features": ["age"], "clusters": 4}).clusters
    (4, 4)
    """
    return _adapter(tuple(_registered.values())).validate_python(settings)


@cache
def _adapter(kinds: tuple[type[ModelSpec], ...]) -> TypeAdapter[ModelSpec]:
    kind: Any = Union[kinds]  # noqa: UP007 (of as many as are registered)
    return TypeAdapter(Annotated[kind, Field(discriminator="algorithm")])


for _kind in (KMeansSpec, GaussianMixtureSpec, DbscanSpec):
    register_specification(_kind)
