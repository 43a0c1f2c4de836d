"""Write the pages of docs/ that say what the code says: every setting, and every table of the schema."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import embedded
from clustering.config import (
    PROJECT,
    Alias,
    Audience,
    Column,
    Consent,
    Contract,
    CustomerSource,
    DbscanSpec,
    Drift,
    Exports,
    Formats,
    Gate,
    GaussianMixtureSpec,
    KMeansSpec,
    ModelSpec,
    NamedSegment,
    Outliers,
    SegmentCatalogue,
    SuppressionList,
    load_configuration,
)
from clustering.config.orders import CustomerTable, DeclaredFeature, Orders
from clustering.settings import CONCERNS
from clustering.warehouse import Warehouse, migrate

CONFIGURE, TABLES = PROJECT / "docs" / "configure.md", PROJECT / "docs" / "tables.md"

SECTIONS: Sequence[tuple[str, str, type[BaseModel]]] = (
    ("customers.yaml", "The contract of the customers: `table`, `source` or `orders`, and their columns.", Contract),
    (
        "customers.yaml: source",
        "Where customers come from: a table or a query, see [sources.md](sources.md).",
        CustomerSource,
    ),
    (
        "customers.yaml: orders",
        "Lines of orders in place of a table of customers, see [orders.md](orders.md).",
        Orders,
    ),
    (
        "customers.yaml: features",
        "Of each feature under `orders`; a plain text is the feature of all days.",
        DeclaredFeature,
    ),
    ("customers.yaml: customers", "Of a table of customers under `orders`.", CustomerTable),
    ("customers.yaml: columns", "Of each column, under its name.", Column),
    ("customers.yaml: aliases", "Of each alias of a column; a plain text is an alias with the factor 1.", Alias),
    ("customers.yaml: formats", "How text writes numbers and dates.", Formats),
    ("customers.yaml: drift", "When a night raises an alarm, and when an alarm starts a retraining.", Drift),
    ("segments.yaml", "The named segments. A cluster that fits none gets the next free number.", SegmentCatalogue),
    ("segments.yaml: segments", "Of each named segment. All prototypes name the same columns.", NamedSegment),
    ("segments.yaml: outliers", "What the noise of a density model is called.", Outliers),
    ("exports.yaml", "What is sent to other systems, see [exports.md](exports.md); no file, nothing.", Exports),
    ("exports.yaml: audiences", "Of each audience, under its name.", Audience),
    ("exports.yaml: consent", "Of each `consent`: one of the three.", Consent),
    ("exports.yaml: suppressed", "Of a list of those who are never sent.", SuppressionList),
    (
        "Models: every algorithm",
        "A model is a file `<model>.yaml`; all of these can stand in each.",
        ModelSpec,
    ),
    ("Models: kmeans", "And with `algorithm: kmeans`:", KMeansSpec),
    ("Models: gmm", "And with `algorithm: gmm`:", GaussianMixtureSpec),
    ("Models: dbscan", "And with `algorithm: dbscan`:", DbscanSpec),
    ("Models: gate", "Of `gate`: when a new version is promoted.", Gate),
)
PATTERNS = {
    "^[a-z_][a-z0-9_]{0,55}$": "a name of lower-case letters, digits and underscores",
    "^[a-z_][a-z0-9_]{0,55}([.][a-z_]+)?$": "such a name, or that of a model, a point and one of its columns",
}
CONFIGURE_INTRODUCTION = """\
# Settings

<!-- Made from the code by `make docs`; edit the descriptions in clustering/config/ and clustering/settings.py. -->

A setting is a key of a YAML file, a variable of the environment, or a parameter of a DAG; there is no fourth place. The
YAML files lie in one folder, `models/` or what `CLUSTERING_CONFIG` names: `customers.yaml`, `segments.yaml`, where
customers are sent to other systems `exports.yaml`, and one file for each model, named after it. A mistake in any of
them stops what reads it, with the file, the key, the value and what is allowed. `models/` and `examples/` hold complete
configurations; the parameters of the DAGs are in [operate.md](operate.md#with-airflow).
"""
ENVIRONMENT = "Blanks around a value do not count, and an empty one is not set."
RELATIONS = """
select class.oid, class.relname, class.relkind = 'v', obj_description(class.oid, 'pg_class')
from pg_class as class
where
    class.relnamespace = 'segmentation'::regnamespace and class.relkind in ('r', 'p', 'v') and not class.relispartition
order by class.relkind = 'v' desc, class.relname
"""
COLUMNS = """
select attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
from pg_attribute where attrelid = %s and attnum > 0 and not attisdropped order by attnum
"""
FUNCTIONS = """
select proname, pg_get_function_arguments(oid), pg_get_function_result(oid), obj_description(oid, 'pg_proc')
from pg_proc where pronamespace = 'segmentation'::regnamespace order by proname
"""
TABLES_INTRODUCTION = """\
# Tables

<!-- Made from the comments of the migrated schema by `make docs`; edit the comments in sql/. -->

Everything lies in the schema `segmentation`; `segmentation_partitions` holds the partitions of its tables,
`segmentation_staging` what runs are working on, and neither is for reading. Read the views: they follow the run that
is current. The tables keep the history.

This is the schema for the contract in `models/`. The key `customer_id` has the type that the contract gives to its key,
and there is an `avg_` column for each numeric column of the contract.
"""


def configure_page() -> str:
    """Return docs/configure.md."""
    parts = [CONFIGURE_INTRODUCTION]
    for title, introduction, model in SECTIONS:
        schema = model.model_json_schema()
        rows = [
            (f"`{name}`", _allowed(schema["properties"][name], schema), _default(field), _text(field.description))
            for name, field in model.model_fields.items()
            if name in model.__annotations__
        ]
        parts.append(f"## {title}\n\n{introduction}\n\n" + _table(("key", "allowed", "default", "meaning"), rows))
    named = [(f"`{name}`", default, meaning) for name, default, meaning in variables()]
    parts.append(f"## Environment\n\n{ENVIRONMENT}\n\n" + _table(("variable", "default", "meaning"), named))
    return "\n".join(parts)


def variables() -> list[tuple[str, str, str]]:
    """Return name, default and meaning of every variable of the environment."""
    return [
        (str(one.validation_alias), _default_of_variable(one), _text(one.description))
        for concern in CONCERNS
        for one in concern.model_fields.values()
    ]


def tables_page(uri: str) -> str:
    """Return docs/tables.md for a migrated database."""
    parts = [TABLES_INTRODUCTION]
    with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        cursor.execute(RELATIONS)
        for identity, name, is_view, comment in cursor.fetchall():
            cursor.execute(COLUMNS, (identity,))
            rows = [(f"`{column}`", kind, _text(said)) for column, kind, said in cursor.fetchall()]
            kind = "View" if is_view else "Table"
            parts.append(f"## `{name}`\n\n{kind}. {_text(comment)}\n\n" + _table(("column", "type", "meaning"), rows))
        cursor.execute(FUNCTIONS)
        for name, arguments, result, comment in cursor.fetchall():
            parts.append(f"## `{name}({arguments})`\n\nFunction. {_text(comment)}\n\nReturns `{result}`.\n")
    return "\n".join(parts)


def _allowed(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """Return in words what a JSON schema allows."""
    if "$ref" in schema:
        return _allowed(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return " or ".join(_allowed(one, root) for one in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return _number("whole number" if kind == "integer" else "number", schema)
    if kind == "array":
        return _array(schema, root)
    if kind == "string":
        return PATTERNS[schema["pattern"]] if "pattern" in schema else "text"
    if kind == "object":
        values = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
        held = next((value for value in values if isinstance(value, Mapping)), None)
        return f"by name: {_allowed(held, root)}" if held else "keys and values, see below"
    return str(kind)


def _number(name: str, schema: Mapping[str, Any]) -> str:
    low, above, high, below = map(schema.get, ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"))
    words = [f"from {low}" if high is not None or below is not None else f"{low} or more"] if low is not None else []
    words += [f"above {above}"] if above is not None else []
    words += [f"to {high}"] if high is not None else []
    words += [f"to below {below}"] if below is not None else []
    return " ".join([name, *words])


def _array(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    if "prefixItems" not in schema:
        return f"list of: {_allowed(schema['items'], root)}"
    one = _allowed(schema["prefixItems"][0], root)
    return f"{one}, or a pair of them" if one.startswith("whole number") else f"pair, each {one}"


def _default(field: Any) -> str:
    if field.default is PydanticUndefined:
        return "required"
    default = field.default
    if isinstance(default, BaseModel):
        return "see below"
    if isinstance(default, tuple):
        default = list(default)
    written = yaml.safe_dump(default, default_flow_style=True).removesuffix("...\n").strip()
    return f"`{written}`"


def _default_of_variable(field: Any) -> str:
    return f"`{field.default}`" if field.default else str(field.json_schema_extra["otherwise"])


def _text(said: str | None) -> str:
    if not said:
        raise SystemExit("a setting, table or column has no description")
    return " ".join(said.split()).replace("|", "\\|")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Write both pages, the second from an embedded server."""
    CONFIGURE.write_text(configure_page(), encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="clustering-docs-") as folder:
        server = embedded.start(Path(folder) / "server")
        try:
            warehouse = Warehouse(server.ensure_database("warehouse"))
            migrate(warehouse, load_configuration(PROJECT / "models").contract)
            TABLES.write_text(tables_page(warehouse.uri), encoding="utf-8")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
