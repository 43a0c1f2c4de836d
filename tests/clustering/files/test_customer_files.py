"""Files of customers, read as the contract has them."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from clustering.config import PROJECT, Configuration, Contract, load_configuration
from clustering.customers import split
from clustering.errors import DataError
from clustering.files.customer_files import read_customers, read_numbers, require_loadable, with_valid_keys
from clustering.files.text_columns import FileOptions

DATA = PROJECT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} does not exist")

MALL = "CustomerID,Gender,Age,Annual Income (k$),Spending Score (1-100)\n"


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "customers.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_file_is_read_by_header_and_alias_in_the_contracts_units(
    tmp_path: Path, configuration: Configuration
) -> None:
    rows = read_customers(write(tmp_path, MALL + "1,Male,19,15,39\n2,,21,15.5,81\n"), configuration.contract).rows
    assert rows.schema == pa.schema(
        [
            ("customer_id", pa.int64()),
            ("age", pa.int64()),
            ("gender", pa.string()),
            ("annual_income", pa.float64()),
            ("spending_score", pa.float64()),
        ]
    )
    assert [tuple(row.values()) for row in rows.to_pylist()] == [
        (1, 19, "Male", 15_000.0, 39.0),
        (2, 21, None, 15_500.0, 81.0),
    ]


def test_a_column_with_a_bad_value_stays_text_and_loses_nothing(tmp_path: Path, configuration: Configuration) -> None:
    """Bad values stay as they are, good ones are in the contract's unit, and the night rejects the bad ones."""
    rows = read_customers(
        write(tmp_path, MALL + "1,Male,abc,15,39\n2,,21,1e400,81\n,,22,unknown,inf\n4,,,15,1\n"), configuration.contract
    ).rows
    assert rows["customer_id"].to_pylist() == [1, 2, None, 4]
    assert rows["age"].to_pylist() == ["abc", "21", "22", None]
    assert rows["annual_income"].to_pylist() == ["15000", "1e400", "unknown", "15000"]
    assert rows["spending_score"].to_pylist() == ["39", "81", "inf", "1"]
    parts = split(rows.combine_chunks().to_batches()[0], configuration.contract)
    assert [(row["reason"], row["value"]) for row in parts.rejected.to_pylist()] == [
        ("wrong_type", "abc"),
        ("not_convertible", "1e400"),
        ("missing_key", None),
        ("missing_value", None),
    ]


def test_values_out_of_range_do_not_keep_a_column_from_its_type(tmp_path: Path, configuration: Configuration) -> None:
    rows = read_customers(write(tmp_path, MALL + "1,Male,500,-1,0\n"), configuration.contract).rows
    assert [tuple(row.values()) for row in rows.to_pylist()] == [(1, 500, "Male", -1000.0, 0.0)]


def test_quotes_byte_order_marks_and_line_ends_of_any_kind(tmp_path: Path, configuration: Configuration) -> None:
    text = '\ufeff"CustomerID","Gender","Age",Annual Income,Spending Score\r\n1,"a ""b"",\nc",19," 15 ",39\r\n'
    rows = read_customers(write(tmp_path, text), configuration.contract).rows
    assert [tuple(row.values()) for row in rows.to_pylist()] == [(1, 19, 'a "b",\nc', 15.0, 39.0)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\x00\x01\x02\x03", "neither text with columns, nor an Excel workbook, nor a Parquet file"),
        (b"PK\x03\x04 and no more", "not whole"),
        ("CustomerID;Age\n1;2\n", "no column for gender or Gender; .*found CustomerID, Age"),
        ("Age," + MALL, "column age is there twice"),
        ("age,Age\n", "column age is there twice: as 'age' and as 'Age'"),
        (
            "CustomerID;Gender;Age;Annual Income;Spending Score\n1;f;30;88.006;7\n2;f;30;9.120;7\n",
            "column annual_income: '88.006' may be 88.006 or 88006; say which .* --decimal",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    tmp_path: Path, configuration: Configuration, content: str | bytes, message: str
) -> None:
    """The message starts with the file, and holds no control character of it."""
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        read_customers(path, configuration.contract)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).isprintable()


def test_a_file_that_is_not_there_is_named(tmp_path: Path, configuration: Configuration) -> None:
    with pytest.raises(DataError, match=r"none\.csv: cannot be read: .*No such file"):
        read_customers(tmp_path / "none.csv", configuration.contract)
    with pytest.raises(DataError, match="cannot be read"):
        read_customers(tmp_path, configuration.contract)


def test_a_file_without_rows_gives_none(tmp_path: Path, configuration: Configuration) -> None:
    assert read_customers(write(tmp_path, MALL), configuration.contract).rows.num_rows == 0


@needs_data
def test_the_mall_table_is_read_whole(configuration: Configuration) -> None:
    rows = read_customers(DATA / "mall_customers.csv", configuration.contract).rows
    parts = split(rows.combine_chunks().to_batches()[0], configuration.contract)
    assert (parts.valid.num_rows, parts.rejected.num_rows) == (200, 0)
    assert sum(parts.valid["annual_income"].to_pylist()) == 12_112_000


@needs_data
def test_the_online_retail_example_fits_its_file() -> None:
    """Another table needs another configuration directory and nothing else."""
    contract = load_configuration(PROJECT / "examples" / "online_retail").contract
    rows = read_customers(DATA / "online_retail_rfm.csv", contract).rows
    parts = split(rows.combine_chunks().to_batches()[0], contract)
    assert (parts.valid.num_rows, parts.rejected.num_rows) == (4338, 0)
    assert parts.valid["first_purchase"][0].as_py() == datetime.datetime(2011, 1, 18, 10, 1)


@pytest.mark.parametrize(("key_type", "bad"), [("bigint", "7a"), ("uuid", "not-a-uuid")])
def test_a_row_whose_key_no_night_could_read_is_left_out(
    configuration: Configuration, tmp_path: Path, key_type: str, bad: str
) -> None:
    """As the totals below the customers; the others are typed, and the value is told."""
    columns = dict(configuration.contract.columns)
    columns["customer_id"] = columns["customer_id"].model_copy(update={"type": key_type})
    contract = configuration.contract.model_copy(update={"columns": columns})
    good = {"bigint": "7", "uuid": "12345678-1234-5678-1234-567812345678"}[key_type]
    header = "customer_id,age,gender,annual_income,spending_score\n"
    found = read_customers(write(tmp_path, f"{header}{good},30,x,1,1\n{bad},30,x,1,1\n"), contract)
    assert found.rows.num_rows == 2
    kept = with_valid_keys(found, contract)
    assert [str(one) for one in kept.rows["customer_id"].to_pylist()] == [good]
    told = f"rows left out whose key customer_id is not of the type {key_type}: 1, such as '{bad}'"
    assert kept.said[-1].startswith(told)


EXPORT = """\
Customer export;;;;
;;;;
CustomerID;Gender;Age;Annual Income;Spending Score (1-100)
00001;m\u00e4nnlich;58;88.006,50 \u20ac;83
00002;NA;63;1.234,00 \u20ac;48
;;;;
00003;weiblich;59;26.301,00 \u20ac
00004;weiblich;41;1;2;3
Total;;;115.541,50 \u20ac;
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
def test_an_office_export_is_read_and_what_was_recognised_is_told(
    tmp_path: Path, configuration: Configuration, encoding: str
) -> None:
    """Titles, semicolons, decimal commas, a currency, missing values, blank, short, long and total rows."""
    found = read_customers(write(tmp_path, EXPORT.encode(encoding)), configuration.contract)
    parts = split(found.rows.combine_chunks().to_batches()[0], configuration.contract)
    assert [(row["customer_id"], row["gender"], row["annual_income"]) for row in parts.valid.to_pylist()] == [
        (1, "m\u00e4nnlich", 88006.5),
        (2, None, 1234.0),
    ]
    assert [(row["customer_id"], row["column_name"], row["value"]) for row in parts.rejected.to_pylist()] == [
        ("3", "spending_score", None),
        ("4", "age", "too many fields: 00004;weiblich;41;1;2;3"),
        ("Total", "customer_id", "Total"),
    ]
    said = "; ".join(found.said)
    for told in (
        "separated by semicolons",
        "headers in line 3",
        "annual_income: decimal comma, thousands by '.', \u20ac taken off, such as '88.006,50 \u20ac'",
        "taken for missing values: NA (1)",
        "rows with another number of fields than the headers: 2",
        "begin with zeros, which a bigint does not keep: 4, such as 00001",
    ):
        assert told in said
    assert ("encoding" in said) == (not encoding.startswith("utf-8"))


def test_a_plain_file_says_nothing(tmp_path: Path, configuration: Configuration) -> None:
    """Nothing was recognised that a program would not have written."""
    assert read_customers(write(tmp_path, MALL + "1,Male,19,15,39\n"), configuration.contract).said == ()


def test_headers_are_compared_as_people_read_them(tmp_path: Path, configuration: Configuration) -> None:
    """Spaces of any kind and number are one, and marks that nobody sees are none."""
    file = tmp_path / "a.csv"
    headers = "\ufeff\ufeffCustomerID,\u200bAge ,Gender,Annual\u00a0Income,Spending  Score\n"
    file.write_text(f"{headers}1,30,f,5000,40\n", encoding="utf-8")
    found = read_customers(file, configuration.contract)
    assert found.rows.to_pylist() == [
        {"customer_id": 1, "age": 30, "gender": "f", "annual_income": 5000.0, "spending_score": 40.0}
    ]


def test_texts_that_a_spreadsheet_is_kept_from_reading_as_numbers_are_texts(
    tmp_path: Path, configuration: Configuration
) -> None:
    """Where all of a column are written as ="00012", that is taken off and said; where one is not, nothing is."""
    contract = configuration.contract
    key = contract.columns["customer_id"].model_copy(update={"type": "text"})
    contract = contract.model_copy(update={"columns": {**contract.columns, "customer_id": key}})
    file = tmp_path / "a.csv"
    text = 'CustomerID,Age,Gender,Annual Income,Spending Score\n="00012",30,f,5000,40\n"=""00013""",31,f,5000,40\n'
    file.write_text(text, encoding="utf-8")
    found = read_customers(file, contract)
    assert found.rows["customer_id"].to_pylist() == ["00012", "00013"]
    assert """CustomerID: ="…" taken off, such as '="00012"'""" in found.said
    file.write_text(f"{text}A14,32,f,5000,40\n", encoding="utf-8")
    assert read_customers(file, contract).rows["customer_id"].to_pylist() == ['="00012"', '="00013"', "A14"]


def test_options_decide_what_can_be_read_in_two_ways(tmp_path: Path, configuration: Configuration) -> None:
    """A dot between three digits, and a date that may begin with its month."""
    text = "CustomerID;Gender;Age;Annual Income;Spending Score\n1;f;30;88.006;7\n"
    path = write(tmp_path, text)
    incomes = {
        decimal: read_customers(path, configuration.contract, FileOptions(decimal=decimal))
        .rows["annual_income"][0]
        .as_py()
        for decimal in (".", ",")
    }
    assert incomes == {".": 88.006, ",": 88006.0}
    columns = {
        "shop": {"type": "text", "role": "key"},
        "sales": {"type": "number", "role": "cluster"},
        "opened": {"type": "date", "role": "profile"},
    }
    shops = Contract.model_validate({"table": "shops", "columns": columns})
    path = write(tmp_path, "shop,sales,opened\na,1,2/1/2014\n")
    with pytest.raises(DataError, match="column opened: in '2/1/2014' the day or the month may come first"):
        read_customers(path, shops)
    assert read_customers(path, shops, FileOptions(dates="day-first")).rows["opened"].to_pylist() == [
        datetime.date(2014, 1, 2)
    ]
    declared = Contract.model_validate({"table": "shops", "columns": columns, "formats": {"dates": "month-first"}})
    assert read_customers(path, declared).rows["opened"].to_pylist() == [datetime.date(2014, 2, 1)]


@pytest.mark.parametrize(
    ("delimiter", "score", "income"),
    [(";", "5,5", 88006.0), (";", "5.5", 88.006), (",", "5.5", 88.006), (",", '"5,5"', 88006.0)],
)
def test_one_column_tells_how_the_others_are_written(
    tmp_path: Path, configuration: Configuration, delimiter: str, score: str, income: float
) -> None:
    """A file has one decimal sign: 88.006 is a thousand beside 5,5 and none beside 5.5."""
    rows = (["CustomerID", "Gender", "Age", "Annual Income", "Spending Score"], ["1", "f", "30", "88.006", score])
    path = write(tmp_path, "\n".join(delimiter.join(row) for row in rows))
    assert read_customers(path, configuration.contract).rows["annual_income"][0].as_py() == income


def test_columns_by_name_are_read_as_the_contracts_are(tmp_path: Path) -> None:
    """NA is missing in both; a header that stands twice is refused, and so is a value that is no number."""
    path = write(tmp_path, "Id;Income;Score;score\n1;1.234,5;NA;1\n2;7;3;x\n")
    rows, said = read_numbers(path, ["income", "Score"])
    assert rows.to_pydict() == {"income": [1234.5, 7.0], "Score": [None, 3.0]}
    assert said[0] == "separated by semicolons"
    with pytest.raises(DataError, match="column SCORE is there twice, as columns 3 and 4; rename one"):
        read_numbers(path, ["SCORE"])
    with pytest.raises(DataError, match="column score: 1 of 2 values are not numbers, such as 'x' in row 2"):
        read_numbers(path, ["score"])
    with pytest.raises(DataError, match="column height is missing; there are Id, Income, Score, score"):
        read_numbers(path, ["height"])


def _incomes(path: Path, contract: Contract, **options: Any) -> list[Any]:
    rows = read_customers(path, contract, FileOptions(**options)).rows
    parts = split(rows.combine_chunks().to_batches()[0], contract)
    return list(parts.valid["inc"].to_pylist())


INCOMES = {"id": {"type": "bigint", "role": "key"}, "inc": {"type": "number", "role": "cluster"}}
PLAIN = Contract.model_validate({"table": "t", "columns": INCOMES})
GERMAN = Contract.model_validate(
    {"table": "t", "columns": INCOMES, "formats": {"decimal": ",", "thousands": ".", "signs": ["Fr."]}}
)


def test_a_row_that_is_too_long_becomes_no_number(tmp_path: Path) -> None:
    """Unquoted thousands look like a number, and so does a whole line of them."""
    assert _incomes(write(tmp_path, "id,inc\n1,500\n2,234,567\n3,750\n"), PLAIN) == [500.0, 750.0]


@pytest.mark.parametrize(
    ("text", "contract", "options", "incomes"),
    [
        ('id,inc\n1,"1,234.50"\n2,2.5\n', GERMAN, {"decimal": "."}, [1234.5, 2.5]),
        ('id;inc\n1;"1,234.50"\n2;2.5\n', GERMAN, {"thousands": ","}, [1234.5, 2.5]),
        ('id,inc\n1,"1,234.50"\n2,2.5\n', PLAIN, {"thousands": ","}, [1234.5, 2.5]),
        ("id,inc\n1,1.234\n2,12\n", PLAIN, {"thousands": "."}, [1234.0, 12.0]),
        ("id,inc\n1,2.5\n2,12\n", PLAIN, {"thousands": "."}, [12.0]),
        ("id;inc\n1;Fr. 12,50\n2;1.234\n", GERMAN, {}, [12.5, 1234.0]),
    ],
)
def test_one_sign_is_never_decimal_and_between_thousands(
    tmp_path: Path, text: str, contract: Contract, options: dict[str, Any], incomes: list[float]
) -> None:
    """An option that contradicts the contract moves the other sign away; declared signs are taken off."""
    assert _incomes(write(tmp_path, text), contract, **options) == incomes


def test_rows_of_columns_by_name_keep_their_numbers(tmp_path: Path) -> None:
    """A missing value is refused and not left out: the number of the row is its key."""
    assert read_numbers(write(tmp_path, "id,inc\n1,10\n2,\n3,30\n"), ["inc"])[0]["inc"].to_pylist() == [
        10.0,
        None,
        30.0,
    ]


def test_a_column_is_named_once(tmp_path: Path) -> None:
    """In any case, and in Parquet too."""
    path = write(tmp_path, "id,inc\n1,10\n")
    with pytest.raises(DataError, match="inc and INC are the same column, inc; name it once"):
        read_numbers(path, ["inc", "INC"])
    parquet.write_table(pa.table({"inc": [1.5]}), tmp_path / "rows.parquet")
    assert read_numbers(tmp_path / "rows.parquet", ["INC"])[0].to_pydict() == {"INC": [1.5]}


def test_declared_formats_hold_for_text_in_parquet(tmp_path: Path) -> None:
    """And not for its numbers."""
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"id": [1, 2], "inc": ["1.234", "2,5"]}), path)
    assert _incomes(path, GERMAN) == [1234.0, 2.5]
    parquet.write_table(pa.table({"id": [1], "inc": [1.234]}), path)
    assert _incomes(path, GERMAN) == [1.234]


def test_a_quote_that_is_not_closed_is_told(tmp_path: Path) -> None:
    """What follows becomes part of a value, which nobody would see."""
    rows = "".join(f"{place},b,{place}\n" for place in range(3, 40_000))
    said = read_customers(write(tmp_path, 'id,name,inc\n1,a,5\n2,"b,6\n3,c,7\n4,"d",8\n'), PLAIN).said
    assert "lines that are parts of values within quotes: 2; is a quote not closed?" in said
    with pytest.raises(DataError, match=r"a quote is not closed in the row that begins with '2,\"b"):
        read_customers(write(tmp_path, f'id,name,inc\n1,a,5\n2,"b\n{rows}'), PLAIN)


def test_what_the_night_would_read_once_more_is_not_loaded(tmp_path: Path) -> None:
    """With declared formats, a column that stays text would be read by them twice."""
    found = read_customers(write(tmp_path, "id;inc\n1;1,234\n2;2,5\n3;k.A.\n"), GERMAN)
    with pytest.raises(DataError, match=r"column inc: 1 values do not follow .*, such as 'k\.A\.'"):
        require_loadable(found.rows, GERMAN)
    require_loadable(found.rows, PLAIN)
    require_loadable(read_customers(write(tmp_path, "id;inc\n1;1,234\n"), GERMAN).rows, GERMAN)
