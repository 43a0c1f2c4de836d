"""What BI tools rely on, as it is committed in bi_contract.yaml and as a warehouse has it.

`python -m tests.clustering.bi_contract URL` writes the file anew from a migrated warehouse.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from clustering.warehouse import Warehouse

FILE = Path(__file__).with_name("bi_contract.yaml")
HEAD = """\
# What BI tools rely on: the relations and functions that segmentation_reader may use, with their columns in order.
# avg_* stands for one average a numeric column of the source contract, `key` for the type of its key.
"""
RELATIONS = """
select class.relname as name, attribute.attname as attribute,
    format_type(attribute.atttypid, attribute.atttypmod) as type,
    coalesce(obj_description(class.oid, 'pg_class'), '') <> '' as is_described,
    coalesce(col_description(class.oid, attribute.attnum), '') <> '' as is_column_described
from pg_class as class
join pg_attribute as attribute
    on attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
where class.relnamespace = 'segmentation'::regnamespace and class.relkind in ('r', 'p', 'v', 'm')
    and not class.relispartition and has_table_privilege('segmentation_reader', class.oid, 'select')
order by class.relname, attribute.attnum
"""
FUNCTIONS = """
select format('%%I(%%s)', proname, pg_get_function_identity_arguments(oid)) as name,
    pg_get_function_result(oid) as result, coalesce(obj_description(oid, 'pg_proc'), '') <> '' as is_described
from pg_proc
where pronamespace = 'segmentation'::regnamespace and has_function_privilege('segmentation_reader', oid, 'execute')
order by proname
"""
ADDED = "if it is meant, add it to bi_contract.yaml (see there) and to CHANGELOG.md"
BROKEN = "BI tools rely on it: keep it as it is, and put what is new at the end or into a view of another name"

Columns = Sequence[str]  # name and type of each, in order


def pinned() -> dict[str, list[str]]:
    """Return the columns of each relation and function as they are committed."""
    content: dict[str, list[str]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return content


def charted() -> dict[str, list[str]]:
    """Return the relations that a dashboard draws: all but functions and the list of files with labels."""
    return {name: columns for name, columns in pinned().items() if "(" not in name and name != "current_label_files"}


def present(warehouse: Warehouse, *, key_type: str = "bigint") -> tuple[dict[str, list[str]], list[str]]:
    """Return the columns of each relation and function of a warehouse, and what has no comment."""
    found: dict[str, list[str]] = {}
    silent: list[str] = []
    with warehouse.transaction() as transaction:
        for row in transaction.connection.exec_driver_sql(RELATIONS):
            is_average = row.attribute.startswith("avg_")
            column = f"{'avg_*' if is_average else row.attribute} {_type(row.attribute, row.type, key_type)}"
            columns = found.setdefault(row.name, [])
            columns += [column] if column not in columns else []
            silent += [] if row.is_described else [row.name]
            silent += [] if row.is_column_described else [f"{row.name}.{row.attribute}"]
        for row in transaction.connection.exec_driver_sql(FUNCTIONS, {}):
            found[row.name.replace(f"customer_id {key_type}", "customer_id key")] = [
                row.result.replace(f"customer_id {key_type}", "customer_id key")
            ]
            silent += [] if row.is_described else [row.name]
    return found, sorted(set(silent))


def differences(pinned: Mapping[str, Columns], present: Mapping[str, Columns]) -> list[str]:
    """Return a sentence for each difference: what BI loses, and what has been added."""
    told = [f"{name} is gone or no longer readable. {BROKEN}." for name in pinned.keys() - present.keys()]
    told += [f"{name} is new: {ADDED}." for name in present.keys() - pinned.keys()]
    for name in pinned.keys() & present.keys():
        before, after = list(pinned[name]), list(present[name])
        kept = [column for column in after if column in before]
        lost = [column for column in before if column not in after]
        if lost:
            told.append(f"{name} no longer has {', '.join(lost)}. {BROKEN}.")
        elif kept != before:
            told.append(f"{name} has its columns in another order: {', '.join(kept)}. {BROKEN}.")
        told += [f"{name} has a new column, {column}: {ADDED}." for column in after if column not in before]
    return sorted(told)


def _type(attribute: str, kind: str, key_type: str) -> str:
    return "key" if attribute == "customer_id" and kind == key_type else kind


def main() -> None:
    """Write the file anew."""
    found, _ = present(Warehouse(sys.argv[1]))
    FILE.write_text(HEAD + yaml.safe_dump(found, sort_keys=True, width=1000), encoding="utf-8")


if __name__ == "__main__":
    main()
