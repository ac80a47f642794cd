"""The demo's CRM and ERP on database servers, read over TCP, against the same company in SQLite files.

Failing means that a figure depends on which database a system happens to run on: a type is read another way,
rows come in another order and something leans on it, or a server's own quirk leaks into the marts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Company, make_company
from tests.services import mariadb_url, own_database, postgres_url

pytestmark = [pytest.mark.services, pytest.mark.slow]


@pytest.mark.parametrize(
    ("crm_server", "erp_server"),
    [
        pytest.param(mariadb_url, postgres_url, id="crm on MariaDB, erp on PostgreSQL"),
        pytest.param(
            postgres_url, mariadb_url, id="crm on PostgreSQL, erp on MariaDB", marks=pytest.mark.thorough
        ),
    ],
)
def test_servers_give_the_marts_that_files_give(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    crm_server: Callable[[], str],
    erp_server: Callable[[], str],
) -> None:
    with (
        own_database(crm_server(), "guike_test_marts_crm") as crm,
        own_database(erp_server(), "guike_test_marts_erp") as erp,
    ):
        served = make_company(tmp_path, crm_url=crm, erp_url=erp)
        assert not list((served.home / "demo" / "sources").glob("*.sqlite"))
        served.guike("run", env={"GUIKE_CRM_URL": crm, "GUIKE_ERP_URL": erp})
    # Asked for last: another worker may be making it meanwhile.
    company: Company = request.getfixturevalue("company")
    assert served.marts() == company.marts()
