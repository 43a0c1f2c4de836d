"""`models/*.yaml` as validated, frozen values.

A wrong setting fails when it is loaded: the error names the file, the key, the value and what is allowed.
"""

from clustering.config.catalogue import NamedSegment, Outliers, SegmentCatalogue
from clustering.config.column import NUMERIC_TYPES, Alias, Column, ColumnType, KeyType, Role, Transform
from clustering.config.contract import Contract
from clustering.config.customer_source import CustomerSource
from clustering.config.declarations import declare, declared_lines
from clustering.config.declared_exports import LABEL_COLUMNS, Audience, Consent, Exports, SuppressionList
from clustering.config.figures_in_words import rounded_figure
from clustering.config.files import (
    PROJECT,
    Configuration,
    configuration_directory,
    load_configuration,
    model_names,
)
from clustering.config.frozen import Identifier
from clustering.config.models import (
    DbscanSpec,
    Gate,
    GaussianMixtureSpec,
    KMeansSpec,
    ModelSpec,
    algorithm_of,
    register_specification,
    specification,
)
from clustering.config.night_checks import Checks, Drift
from clustering.config.setting_faults import model_faults_in_words
from clustering.config.store_places import model_store
from clustering.config.text_formats import DateOrder, Formats
from clustering.config.warehouse_address import warehouse_address

__all__ = [
    "LABEL_COLUMNS",
    "NUMERIC_TYPES",
    "PROJECT",
    "Alias",
    "Audience",
    "Checks",
    "Column",
    "ColumnType",
    "Configuration",
    "Consent",
    "Contract",
    "CustomerSource",
    "DateOrder",
    "DbscanSpec",
    "Drift",
    "Exports",
    "Formats",
    "Gate",
    "GaussianMixtureSpec",
    "Identifier",
    "KMeansSpec",
    "KeyType",
    "ModelSpec",
    "NamedSegment",
    "Outliers",
    "Role",
    "SegmentCatalogue",
    "SuppressionList",
    "Transform",
    "algorithm_of",
    "configuration_directory",
    "declare",
    "declared_lines",
    "load_configuration",
    "model_faults_in_words",
    "model_names",
    "model_store",
    "register_specification",
    "rounded_figure",
    "specification",
    "warehouse_address",
]
