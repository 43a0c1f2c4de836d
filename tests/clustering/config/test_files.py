"""A wrong configuration fails when it is loaded; the message names the file, the key, the value and what is allowed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from clustering.config import (
    PROJECT,
    Column,
    Configuration,
    Contract,
    CustomerSource,
    KMeansSpec,
    load_configuration,
    model_names,
    model_store,
)
from clustering.errors import ConfigurationError
from tests.paths import CONFIGURATION

AGE = "    description: Age in years"
DATED = 'source: {{table: public.customers, dated: "{}"}}'
QUERY = 'source: {{query: "{}"}}'
INCOME = "{annual_income: 1.0, spending_score: 1.2}"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a copy of the default configuration."""
    return Path(shutil.copytree(CONFIGURATION, tmp_path / "models"))


def edit(directory: Path, file: str, old: str, new: str) -> None:
    path = directory / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


CUSTOMERS = [
    ("range: [0, 120]", "range: [120, 0]", "columns.age: range [120.0, 0.0]: the first number is the smallest allowed"),
    ("range: [0, 120]", "range: [0]", "columns.age.range: [0] is not a pair such as [0, 100]"),
    ("range: [0, 120]", "range: [.nan, 5]", "columns.age.range.0: Input should be a finite number, found nan"),
    ("range: [0, 120]", "range: [a, 5]", "columns.age.range.0: Input should be a valid number"),
    ("aliases: [Gender]", "aliases: Geschlecht", "columns.gender.aliases: Input should be a valid list"),
    ("type: integer", "type: boolean", "columns.age.type: 'boolean' is no type here: say text for the values true and"),
    ("type: integer", "type: int", "columns.age.type: Input should be 'bigint', 'integer', 'number', 'text'"),
    ("role: profile", "role: feature", "columns.age.role: Input should be 'key', 'cluster', 'profile', 'protected'"),
    ("missing: allow", "missing: maybe", "Input should be 'reject', 'allow' or 'median', found 'maybe'"),
    ("missing: allow", "missing: 5", "columns.gender: missing 5.0: a text column takes reject or allow"),
    ("missing: allow", "range: [0, 1]", "columns.gender: range: only for ['bigint', 'integer', 'number'], this column"),
    ("role: protected", "role: cluster", "columns.gender: role cluster needs a number that is present"),
    ("missing: reject", "missing: .inf", "columns.age.missing"),
    (
        "missing: reject",
        "missing: median",
        "columns.age: missing median: only numbers of the role cluster have one, not a profile integer",
    ),
    (
        AGE,
        "    transform: sqrt",
        "columns.age.transform: Input should be 'none', 'log', 'days_since' or 'log_days_since'",
    ),
    (AGE, "    colour: red", "columns.age.colour: is no setting, found 'red'; there are type, role, range, missing, "),
    (
        "range: [1, 100]",
        "transform: log",
        "columns.spending_score: transform log needs a range that starts at 0 or above",
    ),
    (AGE, "    transform: days_since", "columns.age: transform days_since counts from a date or timestamp, not from a"),
    ("range: [0, null]", "range: [-1, null]\n    transform: log", "columns.annual_income: transform log needs a range"),
    ("role: key", "role: profile", "columns: exactly one column has the role key, found none"),
    ("role: profile", "role: key", "columns.age: a key is bigint, text, uuid and never missing, not integer"),
    (
        "role: key",
        "role: key\n    missing: allow",
        "columns.customer_id: a key is bigint, text, uuid and never missing",
    ),
    ("type: bigint", "type: date", "columns.customer_id: a key is bigint, text, uuid and never missing, not date"),
    ("aliases: [Age]", "aliases: [Gender]", "belongs to age and gender"),
    ("factor: 1000", "factor: 0", "columns.annual_income.aliases.1.factor: Input should be greater than 0, found 0"),
    (
        "factor: 1000",
        "faktor: 1",
        "aliases.1.faktor: is no setting, found 1; did you mean factor? There are header, factor",
    ),
    ("aliases: [Gender]", "aliases: [{header: G, factor: 2}]", "columns.gender: aliases: a factor needs a number"),
    ("aliases: [Age]", "aliases: [''] ", "columns.age.aliases.0.header: String should have at least 1 character"),
    ("table: public.customers", "table: a.b.c", "table: names a database, which the connection does"),
    ("table: public.customers", 'table: "x; drop table y"', "found 'x; drop table y'"),
    ("table: public.customers", "", "file: table, source, orders: one of them says where customers come from"),
    (
        "table: public.customers",
        "source: {}",
        "file: table, source, orders: one of them says where customers come from",
    ),
    ("table: public.customers", "source: public.customers", "source: Input should be a valid dictionary"),
    ("table: public.customers", "table: t\nsource: {table: t}", "file: table, source, orders: one of them says where"),
    ("table: public.customers", "source: {materialise: true}", "file: source: table, query or files says where"),
    ("table: public.customers", "source: {table: t, query: select 1}", "source: table, query, files: name one of them"),
    ("table: public.customers", "source: {table: a.b.c}", "source.table: names a database"),
    (
        "table: public.customers",
        "source: {query: select 1, dated: 'select :as_of'}",
        "source: dated: only beside a table; query and files themselves can name the date as :as_of",
    ),
    (
        "table: public.customers",
        "source: {files: lake/customers}",
        "source: files: has to be an absolute path, or a URI",
    ),
    ("table: public.customers", "source: {files: 'ftp://lake'}", "source: files: has to be an absolute path, or a URI"),
    ("table: public.customers", "source: {files: 's3://ann:x@lake'}", "source: files: has a password or options in it"),
    ("table: public.customers", "source: {files: /lake, materialise: true}", "materialise: only for a view or query"),
    (
        "table: public.customers",
        'source: {table: public.customers}\ndated_source: "select :as_of"',
        "file: dated_source is a part of source now: write source: {table: …, dated: …} in place of table and",
    ),
    ("table: public.customers", DATED.format("delete from h where a = :as_of"), "source.dated: has to be a query that"),
    ("table: public.customers", DATED.format("select :as_of; select 1"), "source.dated: has to be one statement"),
    ("table: public.customers", DATED.format("select * from h"), "source.dated: has to name the date as :as_of"),
    ("table: public.customers", DATED.format("select ':as_of' /* :as_of */"), "source.dated: has to name the date"),
    ("table: public.customers", DATED.format("select now()::as_of"), "source.dated: has to name the date as :as_of"),
    (
        "table: public.customers",
        QUERY.format("select 1; drop table x"),
        "source.query: has to be one statement; there is",
    ),
    ("table: public.customers", QUERY.format("update t set a = 1"), "source.query: has to be a query that begins with"),
    ("table: public.customers", QUERY.format("select ':as_of'::date"), "source.query: has to name the date as :as_of"),
    (
        "table: public.customers",
        QUERY.format("select :asof"),
        "source.query: names :asof; the date is :as_of, and there",
    ),
    (
        "table: public.customers",
        QUERY.format("select * from t where day <= :known"),
        "source.query: names :known, which is for beside :as_of",
    ),
    (
        "columns:",
        "changed_at: joined\ncolumns:\n  joined: {type: date, role: profile, transform: days_since}",
        "changed_at: 'joined' is read as a count of days, and tells no moment",
    ),
    (
        "  age:",
        "  Age (years):",
        "columns.Age (years): has to be at most 56 lower-case letters, digits and underscores, no digit first, found "
        "'Age (years)'; what the source calls it stands under its aliases",
    ),
    ("    type: integer\n", "", "columns.age.type: is missing, and has no default"),
    (
        "default_model: kmeans",
        "defualt_model: kmeans",
        "defualt_model: is no setting, found 'kmeans'; did you mean def",
    ),
    (
        "drift:",
        "drift:\n  effect: 1",
        "drift.effect: is no setting, found 1; did you mean min_effect? There are ",
    ),
    (
        "table: public.customers",
        "orders: {table: t, customer: c, time: d, amount: a, features: {n: {feature: orders, day: 3}}}",
        "orders.features.n.day: is no setting, found 3; did you mean days? There are feature, days",
    ),
    ("table: public.customers", "orders: {customers: {table: t, key: k}}", "orders.customers.since: is missing, and "),
    ("max_rejected_share: 0.2", "max_rejected_share: 20", "Input should be less than or equal to 1, found 20"),
    ("label_runs: 30", "label_runs: 0", "label_runs: Input should be greater than or equal to 1, found 0"),
    ("aliases: [Age]", "aliases: [", "not readable as YAML: while parsing a flow sequence"),
]
ONE_LINE = "title: has to be one line without control characters, found"
MODELS = [
    ("kmeans", "n_init: 20", "n_init: 5", "n_init: Input should be greater than or equal to 10, found 5"),
    ("kmeans", "[2, 10]", "[10, 2]", "clusters: [10, 2]: the first number is the smaller one"),
    ("kmeans", "[2, 10]", "[0, 4]", "clusters.0: Input should be greater than or equal to 1, found 0"),
    ("kmeans", "[2, 10]", "many", "clusters: 'many' is neither a whole number nor a pair"),
    ("kmeans", "[2, 10]", "yes", "clusters: True is neither a whole number nor a pair such as [2, 10], found True"),
    (
        "kmeans",
        "n_init: 20",
        "gate: {min_sharing: 1}",
        "gate.min_sharing: is no setting, found 1; did you mean min_sha",
    ),
    ("kmeans", "clusters:", "k:", "k: is no setting; there are title, features, sample_rows, seed,"),
    ("kmeans", "n_init: 20", "seed: -1", "seed: Input should be greater than or equal to 0, found -1"),
    (
        "kmeans",
        "annual_income, ",
        "income, ",
        "features: column 'income' is not in the contract; columns with the role",
    ),
    (
        "kmeans",
        "annual_income, ",
        "gender, ",
        "features: column 'gender' has the role protected; columns with the role",
    ),
    (
        "kmeans",
        "annual_income, ",
        "age, ",
        "'age' has the role profile; columns with the role cluster in customers.yaml: ",
    ),
    ("kmeans", "annual_income, ", "spending_score, ", "features: every column stands once, found ['spending_score', '"),
    ("kmeans", "[annual_income, spending_score]", "[]", "features: Tuple should have at least 1 item"),
    (
        "kmeans",
        "algorithm: kmeans",
        "algorithm: spectral",
        "algorithm: has to be one of kmeans, gmm, dbscan, found 'spectral'",
    ),
    ("kmeans", "algorithm: kmeans", "", "algorithm: is missing; it is one of kmeans, gmm, dbscan"),
    ("kmeans", "title: K-Means", "title: ' '", "title: String should have at least 1 character, found ' '"),
    ("kmeans", "title: K-Means", f"title: {61 * 'K'}", "title: String should have at most 60 characters, found 'KKK"),
    ("kmeans", "title: K-Means", 'title: "K\\nMeans"', ONE_LINE),
    ("kmeans", "title: K-Means", 'title: "K\\u202eMeans"', ONE_LINE),
    ("kmeans", "title: K-Means", "title: 5", "title: Input should be a valid string, found 5"),
    ("kmeans", "title: K-Means", "title: dbscan", "title: 'dbscan' is what dbscan.yaml is called; give one of"),
    ("dbscan", "eps: null", "eps: -1", "eps: Input should be greater than 0, found -1"),
    (
        "dbscan",
        "min_samples: null",
        "min_samples: 1",
        "min_samples: Input should be greater than or equal to 2, found 1",
    ),
    (
        "gmm",
        "[full]",
        "[round]",
        "covariance_types.0: Input should be 'full', 'tied', 'diag' or 'spherical', found 'ro",
    ),
    ("gmm", "[full]", "[]", "covariance_types: Tuple should have at least 1 item"),
    ("gmm", "0.001", "0", "reg_covar: Input should be greater than or equal to 0.000001, found 0"),
    ("gmm", "[2, 10]", "[10, 2]", "components: [10, 2]: the first number is the smaller one"),
]
SEGMENTS = [
    ("id: 2", "id: 1", "segments: every id stands once, found [1, 1, 3, 4, 5]"),
    ("id: 2", "id: 0", "segments.1.id: Input should be greater than or equal to 1, found 0"),
    (
        "name: Moderate Spenders",
        "name: High Spenders",
        "segments: every name stands once, found ['High Spenders', 'High",
    ),
    (INCOME, "{annual_income: 1.0}", "segments: every prototype names the same columns"),
    (INCOME, "{}", "segments.0.prototype: Dictionary should have at least 1 item"),
    ("max_distance: 1.2", "max_distance: 0", "max_distance: Input should be greater than 0, found 0"),
]
EDITS = [
    *(("customers.yaml", *case) for case in CUSTOMERS),
    *((f"{model}.yaml", *case) for model, *case in MODELS),
    *(("segments.yaml", *case) for case in SEGMENTS),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), EDITS, ids=[f"{case[0]}: {case[2]}" for case in EDITS])
def test_a_wrong_setting_is_named(directory: Path, file: str, old: str, new: str, message: str) -> None:
    edit(directory, file, old, new)
    with pytest.raises(ConfigurationError, match=re.escape(message)) as caught:
        load_configuration(directory)
    assert str(caught.value).startswith(f"{directory / file}: ")


def test_a_prototype_takes_columns_with_the_role_cluster(directory: Path) -> None:
    path = directory / "segments.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("{annual_income", "{age"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"segments\.yaml: prototype: column 'age' has the role profile"):
        load_configuration(directory)


@pytest.mark.parametrize("content", ["", "- 1", "text", "a: [1", "\t"])
@pytest.mark.parametrize("file", ["customers.yaml", "segments.yaml", "kmeans.yaml"])
def test_a_file_that_is_no_mapping_is_named(directory: Path, file: str, content: str) -> None:
    (directory / file).write_text(content, encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=re.escape(f"{directory / file}: ") + "(expected|not readable as YAML)"
    ):
        load_configuration(directory)


def test_a_file_of_another_encoding_is_named(directory: Path) -> None:
    (directory / "segments.yaml").write_bytes(b"name: \xe4")
    with pytest.raises(ConfigurationError, match=r"segments\.yaml: not readable as YAML"):
        load_configuration(directory)


@pytest.mark.parametrize("file", ["customers.yaml", "segments.yaml"])
def test_a_missing_file_is_named(directory: Path, file: str) -> None:
    (directory / file).unlink()
    with pytest.raises(ConfigurationError, match=re.escape(f"{directory / file}: the file does not exist")):
        load_configuration(directory)


def test_a_catalogue_without_names_is_one_line_that_the_error_says(directory: Path) -> None:
    (directory / "segments.yaml").unlink()
    with pytest.raises(ConfigurationError, match=re.escape("with `segments: []` in it every segment is named after")):
        load_configuration(directory)
    (directory / "segments.yaml").write_text("segments: []\n")
    assert load_configuration(directory).segments.segments == ()


def test_a_directory_without_models_or_that_is_not_there_is_named(directory: Path) -> None:
    for name in ("kmeans", "gmm", "dbscan"):
        (directory / f"{name}.yaml").unlink()
    with pytest.raises(ConfigurationError, match=r"no model is configured; add a file such as kmeans\.yaml"):
        load_configuration(directory)
    with pytest.raises(ConfigurationError, match="none: no such configuration directory; set CLUSTERING_CONFIG to one"):
        load_configuration(directory / "none")


@pytest.mark.parametrize("name", ["KMeans2", "k-means", "k means", "straße"])
def test_model_files_have_plain_names(directory: Path, name: str) -> None:
    shutil.copy(directory / "kmeans.yaml", directory / f"{name}.yaml")
    with pytest.raises(ConfigurationError, match="a model's file name is lower-case letters, digits and underscores"):
        load_configuration(directory)


@pytest.mark.parametrize("name", ["k" * 57, "ä" * 29])
def test_model_names_that_postgresql_would_cut_off_are_refused(directory: Path, name: str) -> None:
    """Two that agree in what is left of them would write one table; the longest that fits is taken."""
    shutil.copy(directory / "kmeans.yaml", directory / f"{name}.yaml")
    with pytest.raises(ConfigurationError, match=r"at most 56 bytes before \.yaml, this one has 5[78]"):
        load_configuration(directory)
    (directory / f"{name}.yaml").unlink()
    (directory / "gmm.yaml").rename(directory / f"{name[:-1]}.yaml")
    assert name[:-1] in load_configuration(directory).models


def test_a_file_adds_a_model(directory: Path) -> None:
    shutil.copy(directory / "kmeans.yaml", directory / "kmeans_5.yaml")
    edit(directory, "kmeans_5.yaml", "[2, 10]", "5")
    edit(directory, "kmeans_5.yaml", "title: K-Means", "title: Five groups")
    assert model_names(directory) == ["dbscan", "gmm", "kmeans", "kmeans_5"]
    model = load_configuration(directory).models["kmeans_5"]
    assert isinstance(model, KMeansSpec)
    assert model.clusters == (5, 5)


@pytest.mark.parametrize("written", ["", "title: null\n"])
def test_a_title_is_made_from_the_name_of_the_file(directory: Path, written: str) -> None:
    (directory / "kmeans__four.yaml").write_text(f"{written}algorithm: kmeans\nfeatures: [annual_income]\n")
    configuration = load_configuration(directory)
    assert {name: configuration.title(name) for name in configuration.models} == {
        "dbscan": "DBSCAN",
        "gmm": "Gaussian mixture",
        "kmeans": "K-Means",
        "kmeans__four": "Kmeans four",
    }
    shutil.copy(directory / "kmeans__four.yaml", directory / "kmeans_four.yaml")
    with pytest.raises(ConfigurationError, match=r"kmeans_four\.yaml: title: 'Kmeans four' is what kmeans__four"):
        load_configuration(directory)


def test_models_are_selected_by_name_in_any_case(configuration: Configuration) -> None:
    assert list(configuration.select()) == ["dbscan", "gmm", "kmeans"]
    assert list(configuration.select(["KMeans", "DBSCAN"])) == ["kmeans", "dbscan"]
    with pytest.raises(ConfigurationError, match="model 'spectral' is not configured; there are dbscan, gmm, kmeans"):
        configuration.select(["kmeans", "spectral"])


def test_the_default_contract_is_that_of_the_product(configuration: Configuration) -> None:
    contract = configuration.contract
    assert (contract.key, contract.key_type, contract.origin.schema_and_table) == (
        "customer_id",
        "bigint",
        ("public", "customers"),
    )
    assert contract.used == ("customer_id", "age", "gender", "annual_income", "spending_score")
    assert contract.averaged == ("age", "annual_income", "spending_score")
    assert contract.with_role("cluster") == ("annual_income", "spending_score")
    assert contract.with_role("protected") == ("gender",)
    assert [segment.name for segment in configuration.segments.segments] == [
        "High Spenders",
        "Moderate Spenders",
        "Low Spenders",
        "Brand Loyalists",
        "Occasional Buyers",
    ]


def test_ignored_columns_are_not_used_and_the_key_comes_first(directory: Path) -> None:
    edit(directory, "customers.yaml", "role: profile", "role: ignore")
    edit(directory, "customers.yaml", "columns:", "columns:\n  shop: {type: text, role: profile}")
    edit(directory, "customers.yaml", "public.customers", "kunden")
    contract = load_configuration(directory).contract
    assert contract.used == ("customer_id", "shop", "gender", "annual_income", "spending_score")
    assert contract.origin.schema_and_table == ("public", "kunden")


def test_the_configuration_cannot_be_changed(configuration: Configuration) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        configuration.contract.columns["age"].role = "cluster"  # type: ignore[misc]


def test_directories_come_from_the_environment(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTERING_CONFIG", str(directory))
    monkeypatch.setenv("CLUSTERING_STORE", str(directory / "elsewhere"))
    assert load_configuration().directory == directory
    assert model_store() == directory / "elsewhere"
    monkeypatch.delenv("CLUSTERING_CONFIG")
    monkeypatch.delenv("CLUSTERING_STORE")
    assert load_configuration().directory == PROJECT / "models"
    assert model_store() == PROJECT / "models" / "store"


@pytest.mark.parametrize(
    "path", sorted(file.parent for file in (PROJECT / "examples").glob("*/customers.yaml")), ids=lambda path: path.name
)
def test_every_example_loads(path: Path) -> None:
    wanted = {"rfm"} if path.name == "orders" else {"kmeans", "gmm", "dbscan"}
    assert set(load_configuration(path).models) == wanted


def test_unit_and_decimals_belong_to_numbers() -> None:
    """A unit of text, and more decimals than anybody reads, are refused with the column and the key."""
    with pytest.raises(ValidationError, match="unit, decimals: only for"):
        Column(type="text", role="profile", unit="€")
    with pytest.raises(ValidationError, match="decimals"):
        Column(type="number", role="profile", decimals=7)
    assert Column(type="number", role="profile", unit="€", decimals=2).in_words(-1234.5) == "-1,234.50 €"


def test_unit_is_no_other_contract() -> None:
    """Nights before and after a unit was declared are compared and published: it changes no label."""
    key, income = Column(type="bigint", role="key"), Column(type="number", role="cluster")
    before = Contract(table="shop", columns={"id": key, "income": income})
    after = before.model_copy(update={"columns": {"id": key, "income": income.model_copy(update={"unit": "€"})}})
    assert (after.digest, after.source_digest) == (before.digest, before.source_digest)


@pytest.mark.parametrize(
    ("query", "is_dated"),
    [
        ("select * from orders where day <= :as_of", True),
        (
            "-- by day; one row a customer\nwith a as (select ';' as b, ';'::text) select * from a where :as_of > b;",
            True,
        ),
        ("(select 1) union all (select 2); -- done", False),
        ("select tags[:2], tags[1:last], $$;$$, E'it\\'s ; ' from t /* :as_of */", False),
    ],
)
def test_query_is_one_statement_as_people_write_it(query: str, is_dated: bool) -> None:
    """A last semicolon, comments, quotes and slices are no fault; a date counts where PostgreSQL would read it."""
    source = CustomerSource(query=query)
    assert source.is_dated == is_dated
    assert source.query is not None
    assert not source.query.endswith(";")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("|\n    select * from t -- as it was\n    where day <= :as_of", None),
        (">\n    select * from t\n    where day <= :as_of; -- as it was", None),
        ("|\n    select * from t -- all", "has a comment by --"),
        (">\n    select * from t -- as it was\n    where day <= :as_of", "use | after the key"),
        (">\n    select * from t -- as it was\n    where day <= :as_of\n\n    order by 1", "use | after the key"),
        (">\n    select :as_of as day, a from t -- as it was\n    where day <= :as_of", "use | after the key"),
    ],
)
def test_comment_takes_nothing_of_a_folded_query(directory: Path, query: str, said: str | None) -> None:
    """YAML makes one line of lines behind >, so that a filter by the date could become a part of a comment."""
    edit(directory, "customers.yaml", "table: public.customers", f"source:\n  query: {query}")
    if said is None:
        assert load_configuration(directory).contract.origin.is_dated
        return
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        load_configuration(directory)


def test_dated_source_of_the_last_release_is_read_as_before_and_told_of(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nights go on after an upgrade, and are compared with those before it."""
    edit(directory, "customers.yaml", "table: public.customers", DATED.format("select * from h where d = :as_of"))
    latter = load_configuration(directory).contract
    edit(
        directory,
        "customers.yaml",
        DATED.format("select * from h where d = :as_of"),
        'table: public.customers\ndated_source: "select * from h where d = :as_of"',
    )
    former = load_configuration(directory).contract
    assert (former.origin, former.digest) == (latter.origin, latter.digest)
    (told,) = [record.message for record in caplog.records if "dated_source" in record.message]
    assert "write source: {table: …, dated: …} in place of table and dated_source" in told


def test_table_is_short_for_a_source_and_the_same_contract_as_before() -> None:
    """Both ways of naming a table are one contract, and nights of 0.1.0 go on being compared with those of today."""
    columns = {"id": Column(type="bigint", role="key"), "income": Column(type="number", role="cluster")}
    short = Contract(table="shop", columns=columns)
    long = Contract.model_validate({"source": {"table": "shop"}, "columns": columns})
    copied = Contract.model_validate({"source": {"table": "shop", "materialise": True}, "columns": columns})
    asked = Contract.model_validate({"source": {"query": "select * from shop"}, "columns": columns})
    assert short.origin == long.origin
    assert (short.digest, short.source_digest) == (long.digest, long.source_digest)
    assert copied.source_digest == short.source_digest
    assert len({copied.digest, short.digest, asked.digest}) == 3
    with pytest.raises(ConfigurationError, match="names a query as its source, and this needs a table"):
        _ = asked.origin.schema_and_table


@pytest.mark.parametrize(
    ("named", "place"),
    [
        ("store", Path.cwd() / "store"),
        ("/a folder", Path("/a folder")),
        ("file:///a%20folder/", Path("/a folder")),
        ("s3://bucket", "s3://bucket"),
        ("gs://bucket/folder/", "gs://bucket/folder"),
        ("abfss://crm@shop.dfs.core.windows.net/folder", "abfss://crm@shop.dfs.core.windows.net/folder"),
    ],
)
def test_model_store_is_a_folder_or_a_uri(named: str, place: Path | str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is made absolute; a URI stays as it is, but for a last slash."""
    monkeypatch.setenv("CLUSTERING_STORE", named)
    assert model_store() == place


@pytest.mark.parametrize(
    "named",
    ["ftp://host/x", "s3:///x", "s3://ann:tulip@bucket/x", "s3://bucket/x?tulip=1", "file://host/x", "file:///"],
)
def test_model_store_of_no_known_kind_is_refused(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may be a password is not repeated."""
    monkeypatch.setenv("CLUSTERING_STORE", named)
    with pytest.raises(
        ConfigurationError, match="CLUSTERING_STORE is neither a folder nor of the form s3://"
    ) as caught:
        model_store()
    assert "tulip" not in str(caught.value)


@pytest.mark.parametrize(
    ("files", "labels", "told"),
    [
        ("/lake", "/lake", "lies among the customers"),
        ("/lake", "file:///lake/labels", "lies among the customers"),
        ("s3://lake/customers/", "s3://lake/customers/a/labels", "lies among the customers"),
        ("/lake", "/labels/:as_of", "names a date"),
    ],
)
def test_labels_among_the_customers_are_refused(files: str, labels: str, told: str) -> None:
    """The next night would read them as customers."""
    with pytest.raises(ValidationError, match=f"label_files: {told}"):
        CustomerSource(files=files, labels="files", label_files=labels)


@pytest.mark.parametrize("labels", ["/lake/_labels", "/lake/.a/labels", "/lakes", "/", "s3://lake/labels"])
def test_labels_beside_the_customers_are_not(labels: str) -> None:
    """Names that begin with an underscore or a dot are no customers'."""
    assert CustomerSource(files="/lake", labels="files", label_files=labels).label_files == labels
