"""Read `models/*.yaml`, and say what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from clustering.config.audience_checks import check_audience
from clustering.config.catalogue import SegmentCatalogue
from clustering.config.contract import Contract
from clustering.config.declared_exports import Audience, Exports
from clustering.config.frozen import Frozen
from clustering.config.models import ModelSpec, specification
from clustering.config.setting_faults import faults_in_words, model_faults_in_words
from clustering.errors import ConfigurationError, did_you_mean
from clustering.settings import FolderSettings

_PACKAGE = Path(__file__).resolve().parents[1]
_SHIPPED = _PACKAGE / "shipped"
# What holds sql/, models/ and dags/: a wheel's copy of them, or else the checkout around the package.
PROJECT = _SHIPPED if _SHIPPED.is_dir() else _PACKAGE.parent
IS_INSTALLED = PROJECT == _SHIPPED  # among packages, where nothing of a user's may lie
CONTRACT_FILE = "customers.yaml"
SEGMENTS_FILE = "segments.yaml"
EXPORTS_FILE = "exports.yaml"
NO_MODELS = (CONTRACT_FILE, SEGMENTS_FILE, EXPORTS_FILE)
MOST_NAME_BYTES = 56  # PostgreSQL keeps 63 of a name; the longest prefix is that of a model's history, `period_`
_Spec = TypeVar("_Spec", bound=BaseModel)


class Configuration(Frozen):
    """Everything that `models/` says."""

    directory: Path
    contract: Contract
    segments: SegmentCatalogue
    models: Mapping[str, ModelSpec]
    exports: Exports | None = None

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

    def audience(self, name: str) -> Audience:
        """Return a declared audience; ConfigurationError where there is none of this name."""
        if self.exports is None:
            raise ConfigurationError(f"{self.directory} has no {EXPORTS_FILE}: nothing is sent anywhere")
        known = self.exports.audiences
        if name not in known:
            raise ConfigurationError(f"{EXPORTS_FILE}: {name!r} is no audience{did_you_mean(name, known)}")
        return known[name]

    def title(self, model: str) -> str:
        """Return what people call a model: its own title, or else one made from its name."""
        return self.models[model].title or " ".join(filter(None, model.split("_"))).capitalize()

    @property
    def default_model(self) -> str:
        """The model that is meant where none is named: the contract's, or the first by name."""
        return self.contract.default_model or next(iter(self.models))


def configuration_directory() -> Path:
    """Return the directory with contract, segments and models: `CLUSTERING_CONFIG`, or the project's `models/`."""
    return (FolderSettings.read().configuration or PROJECT / "models").resolve()


def model_names(directory: Path | None = None) -> list[str]:
    """Return the names of the configured models without reading their files, sorted."""
    directory = directory or configuration_directory()
    return sorted(path.stem for path in directory.glob("*.yaml") if path.name not in NO_MODELS)


def load_configuration(directory: Path | str | None = None) -> Configuration:
    """Read and check `customers.yaml`, `segments.yaml`, every model of a directory, and `exports.yaml` if it is there.

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
    models = {name: _load_model(directory / f"{name}.yaml") for name in names}
    _check_columns(directory, contract, segments, models)
    if contract.default_model is not None and contract.default_model not in models:
        raise ConfigurationError(
            f"{directory / CONTRACT_FILE}: default_model: {contract.default_model!r} is not configured; there are "
            f"{', '.join(models)}, and null stands for the first of them"
        )
    exports = _load(directory / EXPORTS_FILE, Exports) if (directory / EXPORTS_FILE).exists() else None
    for name, audience in exports.audiences.items() if exports else ():
        check_audience(f"{directory / EXPORTS_FILE}: audiences.{name}", audience, contract, models)
    configuration = Configuration(
        directory=directory, contract=contract, segments=segments, models=models, exports=exports
    )
    _check_titles(configuration)
    return configuration


def _load_model(path: Path) -> ModelSpec:
    name = path.stem
    if not name.islower() or not name.replace("_", "").isalnum() or name != name.casefold():
        raise ConfigurationError(f"{path}: a model's file name is lower-case letters, digits and underscores")
    if (taken := len(name.encode())) > MOST_NAME_BYTES:
        raise ConfigurationError(
            f"{path}: a model's file name has at most {MOST_NAME_BYTES} bytes before .yaml, this one has {taken}; "
            "names of tables are made from it, and PostgreSQL would cut them off"
        )
    return _validate(path, specification, model_faults_in_words)


def _load(path: Path, kind: type[_Spec]) -> _Spec:
    return _validate(path, kind.model_validate, lambda error: faults_in_words(error, kind))


class UniqueKeyLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Refuses a key that stands twice; YAML's own rule is that the last one silently wins.

    libyaml's parser, where PyYAML has it, reads a configuration in an eighth of the time: every task does.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", node.start_mark)
        return dict(super().construct_mapping(node, deep=deep))


def _read(path: Path) -> Any:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), UniqueKeyLoader)  # noqa: S506 (a safe loader)
    except FileNotFoundError:
        instead = "; with `segments: []` in it every segment is named after its profile"
        hint = instead if path.name == SEGMENTS_FILE else ""
        raise ConfigurationError(f"{path}: the file does not exist{hint}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: expected keys and values, found {content!r}")
    return content


def _validate(path: Path, check: Callable[[Any], _Spec], in_words: Callable[[ValidationError], str]) -> _Spec:
    content = _read(path)
    try:
        return check(content)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {in_words(error)}") from None


def _check_titles(configuration: Configuration) -> None:
    called: dict[str, str] = {}
    for name in configuration.models:
        title = configuration.title(name)
        other = called.setdefault(title.casefold(), name)
        if other != name:
            raise ConfigurationError(
                f"{configuration.directory / name}.yaml: title: {title!r} is what {other}.yaml is called; give one of "
                "them another title"
            )


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
    _check_categories(directory, contract, segments, models)


def _check_categories(
    directory: Path, contract: Contract, segments: SegmentCatalogue, models: Mapping[str, ModelSpec]
) -> None:
    """Raise ConfigurationError where something is made of categories that can only be made of numbers."""
    categories = set(contract.categories)
    if encoded := [column for column in segments.columns if column in categories]:
        raise ConfigurationError(
            f"{directory / SEGMENTS_FILE}: prototype: {encoded[0]!r} is a category, and a prototype is made of numbers"
        )
    for name, spec in models.items():
        encoded = [column for column in spec.features if column in categories]
        if encoded and not spec.takes_categories:
            raise ConfigurationError(
                f"{directory / name}.yaml: features: {encoded[0]!r} is a category, and this algorithm takes its values "
                "for groups; leave it out, or use algorithm: kmeans"
            )
        if encoded and len(encoded) == len(spec.features):
            raise ConfigurationError(
                f"{directory / name}.yaml: features: {', '.join(encoded)} are categories alone, whose "
                "combinations need no model; add a number"
            )
