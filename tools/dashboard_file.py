"""Pack the dashboard of examples/superset as the file that Superset imports, for one warehouse."""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path
from urllib.parse import quote

import yaml

from clustering.config import PROJECT
from clustering.errors import ClusteringError, ConfigurationError
from clustering.warehouse.connection_texts import read_settings

EXPORT = PROJECT / "examples" / "superset"
DATABASE = "databases/warehouse.yaml"
FOLDER = "customer_segments"  # the one folder that Superset expects in the file
ASKED = "X" * 10  # what Superset writes in place of a password, and asks for when it imports


def main() -> int:
    """Write the file and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("warehouse", help="postgresql://login@host:5432/database, without the password")
    parser.add_argument("--to", type=Path, default=PROJECT / "dist" / "superset.zip", help="the file to write")
    arguments = parser.parse_args()
    try:
        pack(arguments.warehouse, arguments.to)
    except ClusteringError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{arguments.to}: import it in Superset under Dashboards, which asks for the login's password")
    return 0


def pack(warehouse: str, to: Path) -> None:
    """Write the dashboard for a warehouse as a file that Superset imports.

    Raises ConfigurationError where the URL has a password, which is Superset's to keep, or lacks login or database.
    """
    address = superset_address(warehouse)
    to.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(EXPORT.rglob("*.yaml")):
            name, text = path.relative_to(EXPORT).as_posix(), path.read_text(encoding="utf-8")
            if name == DATABASE:
                text = yaml.safe_dump(yaml.safe_load(text) | {"sqlalchemy_uri": address}, sort_keys=False)
            file.writestr(f"{FOLDER}/{name}", text)


def superset_address(warehouse: str) -> str:
    """Return the address of a warehouse as Superset's export has it, with a sign in place of the password.

    >>> superset_address("postgresql://bi@dwh/shop")
    'postgresql+psycopg2://bi:XXXXXXXXXX@dwh:5432/shop'
    """
    settings = read_settings(warehouse, "WAREHOUSE")
    if "password" in settings:
        raise ConfigurationError("leave the password out of WAREHOUSE: Superset asks for it when it imports")
    missing = [name for name in ("user", "host", "dbname") if not settings.get(name)]
    if missing or settings["host"].startswith("/") or "," in settings["host"]:
        raise ConfigurationError("WAREHOUSE has to be of the form postgresql://login@host:5432/database")
    user, database = quote(settings["user"], safe=""), quote(settings["dbname"], safe="")
    options = {name: value for name, value in settings.items() if name.startswith("ssl")}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    port = settings.get("port") or 5432
    return f"postgresql+psycopg2://{user}:{ASKED}@{settings['host']}:{port}/{database}" + (f"?{query}" if query else "")


if __name__ == "__main__":
    sys.exit(main())
