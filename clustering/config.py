"""`models/*.yaml` as validated, frozen values.

A wrong setting fails when it is loaded: the error names the file, the key, the value and what is allowed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from clustering.errors import ConfigurationError

PROJECT = Path(__file__).resolve().parent.parent
CONTRACT_FILE = "customers.yaml"
SEGMENTS_FILE = "segments.yaml"
MOST_MODELS = 16  # current_customer_segments follows so many pointers

ColumnType = Literal["bigint", "integer", "number", "text", "uuid", "date", "timestamp"]
KeyType = Literal["bigint", "text", "uuid"]
Role = Literal["key", "cluster", "profile", "protected", "ignore"]
Transform = Literal["none", "log"]
AlgorithmName = Literal["kmeans", "gmm", "dbscan"]

NUMERIC_TYPES: frozenset[ColumnType] = frozenset({"bigint", "integer", "number"})
_Spec = TypeVar("_Spec", bound=BaseModel)

Identifier = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,55}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class Alias(_Frozen):
    """Another header of a column; values under it are multiplied by `factor`."""

    header: str = Field(min_length=1)
    """The header as it stands in the file or table; case does not matter."""
    factor: float = Field(default=1.0, gt=0)
    """What a value under this header is multiplied by, such as 1000 for a column in thousands."""


Number = Annotated[float, Field(strict=True)]  # strict: `yes` is not 1


def _as_pair(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{value!r} is not a pair such as [0, 100]; null stands for no limit")
    return value


def _as_alias(value: Any) -> Any:
    return {"header": value} if isinstance(value, str) else value


class Column(_Frozen):
    """What the contract says of one column of the source."""

    type: ColumnType
    """What its values are. A key is bigint, text or uuid, fixed at the first migration."""
    role: Role
    """key names the customer, cluster goes into the distance, profile is described per segment, protected is kept out
    of every model, ignore is not read."""
    range: Annotated[tuple[Number | None, Number | None], BeforeValidator(_as_pair)] = (None, None)
    """Smallest and largest valid number; null stands for no limit."""
    missing: Literal["reject", "allow"] | Number = "reject"
    """What to do where there is no value: reject the row, allow it, or fill in this number."""
    transform: Transform = "none"
    """log: the models see log(1 + value), for heavy tails."""
    aliases: tuple[Annotated[Alias, BeforeValidator(_as_alias)], ...] = ()
    """Other headers that the column may have."""
    description: str = ""
    """What the column holds, in words that comments and the Segments page repeat."""

    @property
    def is_numeric(self) -> bool:
        return self.type in NUMERIC_TYPES

    @property
    def fill(self) -> float | None:
        """The number that stands for a missing value, in the column's type."""
        if not isinstance(self.missing, float):
            return None
        return self.missing if self.type == "number" else round(self.missing)

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.range
        if low is not None and high is not None and low > high:
            raise ValueError(f"range {[low, high]}: the first number is the smallest allowed value")
        if not self.is_numeric:
            if self.range != (None, None):
                raise ValueError(f"range: only for {sorted(NUMERIC_TYPES)}, this column is {self.type}")
            if isinstance(self.missing, float):
                raise ValueError(f"missing {self.missing}: a {self.type} column takes reject or allow")
            if any(alias.factor != 1 for alias in self.aliases):
                raise ValueError(f"aliases: a factor needs a number, this column is {self.type}")
        if isinstance(self.missing, float):
            self._check_filling(self.missing)
        if self.role == "key" and (self.type not in get_args(KeyType) or self.missing != "reject"):
            raise ValueError(f"a key is {', '.join(get_args(KeyType))} and never missing, not {self.type}")
        if self.role == "cluster" and (not self.is_numeric or self.missing == "allow"):
            raise ValueError("role cluster needs a number that is present: missing: reject, or the number to fill in")
        if self.transform == "log" and (low is None or low < 0):
            raise ValueError("transform log needs a range that starts at 0 or above: it takes log(1 + value)")
        return self

    def _check_filling(self, value: float) -> None:
        low, high = self.range
        if self.type != "number" and not value.is_integer():
            raise ValueError(f"missing {value}: a column of type {self.type} takes a whole number")
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"missing {value}: lies outside the range {[low, high]}")


class Contract(_Frozen):
    """The source of customers: its table, its columns, and how many of its rows may be bad."""

    table: str = Field(pattern=r"^[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)?$")
    """The table of customers, with its schema; public where none is named."""
    columns: Mapping[Identifier, Column]
    """The columns by name."""
    max_rejected_share: float = Field(default=0.2, ge=0, le=1)
    """A run that rejects more than this share of its rows fails before it publishes."""
    label_runs: int = Field(default=30, ge=1)
    """How many runs keep the labels of single customers; segments and history stay."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        keys = [name for name, column in self.columns.items() if column.role == "key"]
        if len(keys) != 1:
            raise ValueError(f"columns: exactly one column has the role key, found {keys or 'none'}")
        if not self.with_role("cluster"):
            raise ValueError("columns: at least one column has the role cluster")
        owner: dict[str, str] = {}
        for name, column in self.columns.items():
            for header in dict.fromkeys([name, *(alias.header for alias in column.aliases)]):
                if owner.setdefault(header.casefold(), name) != name:
                    raise ValueError(f"columns: header {header!r} belongs to {owner[header.casefold()]} and {name}")
        return self

    @property
    def key(self) -> str:
        """Name of the key column."""
        return self.with_role("key")[0]

    @property
    def key_type(self) -> KeyType:
        """Type of the key column."""
        return self.columns[self.key].type  # type: ignore[return-value]

    @property
    def schema_and_table(self) -> tuple[str, str]:
        """The table's schema (`public` when none is named) and name."""
        schema, _, table = self.table.rpartition(".")
        return schema or "public", table

    @property
    def used(self) -> tuple[str, ...]:
        """Names of the columns that are read: all but the ignored ones, the key first."""
        rest = (name for name, column in self.columns.items() if column.role not in ("key", "ignore"))
        return (self.key, *rest)

    @property
    def averaged(self) -> tuple[str, ...]:
        """Names of the numeric columns whose averages describe a segment."""
        return tuple(name for name in self.used[1:] if self.columns[name].is_numeric)

    def with_role(self, role: Role) -> tuple[str, ...]:
        """Names of the columns with this role, in the contract's order."""
        return tuple(name for name, column in self.columns.items() if column.role == role)


class NamedSegment(_Frozen):
    """A segment of the product's vocabulary and where it lies."""

    id: int = Field(ge=1)
    """Its segment_id."""
    name: str = Field(min_length=1)
    """What people call it."""
    description: str
    """What its customers are like."""
    recommended_action: str
    """What to do for them."""
    prototype: Mapping[Identifier, float] = Field(min_length=1)
    """Where it lies: a value a column, in standard deviations from the mean of all customers, after the transform."""


class Outliers(_Frozen):
    """How segment 0, the noise of a density model, is called."""

    name: str = "Outliers"
    """What people call them."""
    description: str = "Customers unlike any group."
    """What they are like."""
    recommended_action: str = "Look at them one by one."
    """What to do for them."""


class SegmentCatalogue(_Frozen):
    """The named segments, matched to clusters within `max_distance` (standard deviations).

    A segment changes its name only for one that fits it better by `name_margin`.
    """

    max_distance: float = Field(gt=0)
    """How far a cluster may lie from a prototype and still get its name, in standard deviations."""
    name_margin: float = Field(default=0.3, ge=0)
    """By how much another name must fit better before a segment changes its own."""
    segments: tuple[NamedSegment, ...]
    """The named segments; an empty list names every cluster after its profile."""
    outliers: Outliers = Outliers()
    """How segment 0 is called."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for what, values in (
            ("id", [segment.id for segment in self.segments]),
            ("name", [segment.name for segment in self.segments]),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"segments: every {what} stands once, found {values}")
        if len({frozenset(segment.prototype) for segment in self.segments}) > 1:
            raise ValueError("segments: every prototype names the same columns")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that the prototypes are given in."""
        return tuple(self.segments[0].prototype) if self.segments else ()


def _as_range(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value, value)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{value!r} is neither a whole number nor a pair such as [2, 10]")
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


class Gate(_Frozen):
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


class _Model(_Frozen):
    has_noise: ClassVar[bool] = False  # whether a customer can be left outside of every cluster

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


class KMeansSpec(_Model):
    """K-Means: the numbers of clusters to try and the starts per fit."""

    algorithm: Literal["kmeans"]
    """K-Means."""
    clusters: ClusterRange = (2, 10)
    """The numbers of clusters to try; one number declares it."""
    n_init: int = Field(default=20, ge=10)
    """Starts per fit."""
    when_no_structure: Literal["divide", "refuse"] = "divide"
    """What to do where the customers form no groups: divide them into even parts, or refuse the version."""

    @property
    def is_declared(self) -> bool:
        """Whether a person chose the number of clusters."""
        return self.clusters[0] == self.clusters[1]


class GaussianMixtureSpec(_Model):
    """Gaussian mixture: the numbers of components and the covariance types to try."""

    algorithm: Literal["gmm"]
    """Gaussian mixture."""
    components: ClusterRange = (2, 10)
    """The numbers of components to try; one number declares it."""
    covariance_types: tuple[Literal["full", "tied", "diag", "spherical"], ...] = Field(
        default=("full", "tied", "diag", "spherical"), min_length=1
    )
    """The shapes of covariance to try."""
    reg_covar: float = Field(default=1e-3, ge=1e-6, le=1)
    """Added to every variance of the standardised features."""
    n_init: int = Field(default=10, ge=1)
    """Starts per fit."""

    @property
    def is_declared(self) -> bool:
        """Whether a person chose the number of components."""
        return self.components[0] == self.components[1]


class DbscanSpec(_Model):
    """DBSCAN: its two settings, found from the data where they are null."""

    has_noise: ClassVar[bool] = True

    algorithm: Literal["dbscan"]
    """DBSCAN."""
    sample_rows: int = Field(default=20_000, ge=10, le=50_000)  # min_samples, and so memory, grows with them
    """How many customers a training takes."""
    eps: float | None = Field(default=None, gt=0)
    """The distance that makes neighbours, in standard deviations; null finds it in the data."""
    min_samples: int | None = Field(default=None, ge=2)
    """The customers within eps that make a core point; null finds it."""

    @property
    def is_declared(self) -> bool:
        """Whether a person chose `eps`."""
        return self.eps is not None


ModelSpec = Annotated[KMeansSpec | GaussianMixtureSpec | DbscanSpec, Field(discriminator="algorithm")]


class Configuration(_Frozen):
    """Everything that `models/` says."""

    directory: Path
    contract: Contract
    segments: SegmentCatalogue
    models: Mapping[str, ModelSpec]

    def select(self, names: Sequence[str] | None = None) -> dict[str, ModelSpec]:
        """Return the models with these names (`KMeans` and `kmeans` are the same), or all.

        Raises ConfigurationError for a name that is not configured.
        """
        chosen = {}
        for name in names or self.models:
            if name.casefold() not in self.models:
                raise ConfigurationError(f"model {name!r} is not configured; there are {', '.join(self.models)}")
            chosen[name.casefold()] = self.models[name.casefold()]
        return chosen


def configuration_directory() -> Path:
    """Return the directory with contract, segments and models: `CLUSTERING_CONFIG`, or the project's `models/`."""
    return Path(os.environ.get("CLUSTERING_CONFIG") or PROJECT / "models").resolve()


def store_directory() -> Path:
    """Return the model store's directory: `CLUSTERING_STORE`, or the project's `models/store`."""
    return Path(os.environ.get("CLUSTERING_STORE") or PROJECT / "models" / "store").resolve()


def model_names(directory: Path | None = None) -> list[str]:
    """Return the names of the configured models without reading their files, sorted."""
    directory = directory or configuration_directory()
    return sorted(path.stem for path in directory.glob("*.yaml") if path.name not in (CONTRACT_FILE, SEGMENTS_FILE))


def load_configuration(directory: Path | str | None = None) -> Configuration:
    """Read and check `customers.yaml`, `segments.yaml` and every model of a directory.

    Raises ConfigurationError, which names the file, the key, the value and what is allowed.
    """
    directory = Path(directory).resolve() if directory else configuration_directory()
    if not directory.is_dir():
        raise ConfigurationError(f"{directory}: no such configuration directory; set CLUSTERING_CONFIG to one")
    contract = _load(directory / CONTRACT_FILE, Contract)
    segments = _load(directory / SEGMENTS_FILE, SegmentCatalogue)
    names = model_names(directory)
    if not names:
        raise ConfigurationError(f"{directory}: no model is configured; add a file such as kmeans.yaml")
    if len(names) > MOST_MODELS:
        raise ConfigurationError(f"{directory}: {len(names)} models are configured, at most {MOST_MODELS} can be")
    models = {name: _load_model(directory / f"{name}.yaml") for name in names}
    _check_columns(directory, contract, segments, models)
    return Configuration(directory=directory, contract=contract, segments=segments, models=models)


class _AnyModel(_Frozen):
    model: ModelSpec


def _load_model(path: Path) -> ModelSpec:
    if not path.stem.islower() or not path.stem.replace("_", "").isalnum():
        raise ConfigurationError(f"{path}: a model's file name is lower-case letters, digits and underscores")
    return _validate(path, _AnyModel, {"model": _read(path)}, skip=1).model


def _load(path: Path, kind: type[_Spec]) -> _Spec:
    return _validate(path, kind, _read(path))


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that stands twice; YAML's own rule is that the last one silently wins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def _read(path: Path) -> Any:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeyLoader)  # noqa: S506 (a safe loader)
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: the file does not exist") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: expected keys and values, found {content!r}")
    return content


def _validate(path: Path, kind: type[_Spec], content: Any, *, skip: int = 0) -> _Spec:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {'; '.join(_sentence(fault, skip) for fault in error.errors())}") from None


def _sentence(fault: Any, skip: int) -> str:
    location = [str(part) for part in fault["loc"][skip:] if part not in get_args(AlgorithmName)]
    key = ".".join(location) or "file"
    message = fault["msg"].removeprefix("Value error, ")
    if isinstance(fault["input"], (dict, list, tuple)):
        return f"{key}: {message}"
    return f"{key}: {message}, found {fault['input']!r}"


def _check_columns(
    directory: Path, contract: Contract, segments: SegmentCatalogue, models: Mapping[str, ModelSpec]
) -> None:
    allowed = contract.with_role("cluster")
    named = {f"{name}.yaml: features": spec.features for name, spec in models.items()}
    named[f"{SEGMENTS_FILE}: prototype"] = segments.columns
    for place, columns in named.items():
        for column in columns:
            if column in allowed:
                continue
            role = contract.columns[column].role if column in contract.columns else None
            found = f"has the role {role}" if role else "is not in the contract"
            raise ConfigurationError(
                f"{directory / place}: column {column!r} {found}; columns with the role cluster in {CONTRACT_FILE}: "
                f"{', '.join(allowed)}"
            )
