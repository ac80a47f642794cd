"""The CRM and the ERP hold the same rows on a database server as in SQLite.

If this fails, a demo on real servers shows another company than the one on files. Needs PostgreSQL or
MariaDB; a test skips, saying so, without its server.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.demo import make_demo
from pipelines.demo.database import definitions
from tests.demo.reading import Sources, read_sources
from tests.services import mariadb_url, own_database, postgres_url

pytestmark = pytest.mark.services
DATABASE = "guike_test_demo"


@pytest.fixture(scope="module")
def on_files(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("files") / "company"
    make_demo(folder, 300, 7)
    return read_sources(folder / "sources")


def same(there: Any, here: Any, *, has_zero_dates: bool) -> bool:
    """Equal as far as the server can hold it: bits are bytes, 0000-00-00 may be NULL, money is Decimal."""
    if there is None or here is None:
        return there is here or (not has_zero_dates and str(here).startswith("0000-00-00"))
    if isinstance(there, bytes):
        return int.from_bytes(there) == here
    if isinstance(here, int | float):
        return abs(float(there) - here) < 1e-6
    return str(there) == here


def compare(system: str, url: str, files: Sources, *, has_zero_dates: bool) -> None:
    engine = sa.create_engine(url)
    with engine.connect() as con:
        for table, columns in definitions(system).items():
            found = con.exec_driver_sql(f"select * from {table}").mappings()
            # PostgreSQL folds delete_Flag to small letters.
            rows = [{name.lower(): value for name, value in row.items()} for row in found]
            assert len(rows) == len(files[system, table])
            for row in rows:
                file_row = files[system, table][str(row[next(iter(columns))])]
                differing = {
                    name: (row[name.lower()], file_row[name])
                    for name in columns
                    if not same(row[name.lower()], file_row[name], has_zero_dates=has_zero_dates)
                }
                assert not differing, table
    engine.dispose()


def test_erp_on_postgresql(tmp_path: Path, on_files: Sources) -> None:
    with own_database(postgres_url(), DATABASE) as url:
        make_demo(tmp_path / "company", 300, 7, erp_url=url)
        assert not (tmp_path / "company" / "sources" / "erp.sqlite").exists()
        compare("erp", url, on_files, has_zero_dates=False)


def test_crm_on_postgresql(tmp_path: Path, on_files: Sources) -> None:
    with own_database(postgres_url(), DATABASE) as url:
        make_demo(tmp_path / "company", 300, 7, crm_url=url)
        compare("crm", url, on_files, has_zero_dates=False)


def test_both_on_mariadb(tmp_path: Path, on_files: Sources) -> None:
    with own_database(mariadb_url(), DATABASE) as url:
        make_demo(tmp_path / "company", 300, 7, crm_url=url, erp_url=url)
        compare("crm", url, on_files, has_zero_dates=True)
        compare("erp", url, on_files, has_zero_dates=True)
