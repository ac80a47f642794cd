"""The systems and the staging SQL of docs/reading.md, word for word, from files to rows of the contract.

Failing means that who follows the page gets no interactions or contacts, or other ones than it promises.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

from pipelines.extract.specs import load_spec
from pipelines.settings import load_settings
from tests.extract.conftest import Extraction

PAGE = (load_settings().root / "docs" / "reading.md").read_text(encoding="utf-8")
MACROS = load_settings().dbt_dir / "macros"


def documented(file: str) -> str:
    """The block that follows the file's name on the page."""
    found = re.search(rf"`[^`\n]*{re.escape(file)}`.*?\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found, file
    return found[1]


def rendered(sql: str) -> str:
    """The SQL with the project's own macros, as dbt would write it for DuckDB."""
    names = ("text.sql", "times.sql")
    macros = "".join((MACROS / name).read_text(encoding="utf-8") for name in names)
    module: dict[str, Any] = {}
    context = {
        "adapter": SimpleNamespace(dispatch=lambda name: module[f"duckdb__{name}"]),
        "return": lambda value: value, "source": lambda schema, table: f"{schema}.{table}",
        "model": {"name": "stg_mail__interactions"}, "system_timezones": dict,
        "var": lambda _: "Asia/Shanghai",
    }  # fmt: skip
    environment = jinja2.Environment()
    made = environment.from_string(macros).make_module(context)
    module.update({name: getattr(made, name) for name in dir(made) if not name.startswith("_")})
    return environment.from_string(sql).render(context | module)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extract: Extraction) -> Any:
    """Extract a documented system from a file with the given content; returns its staging rows."""

    def run(name: str, model: str, variable: str, file: str, content: bytes) -> Any:
        source = tmp_path / file
        source.write_bytes(content)
        monkeypatch.setenv(variable, str(source))
        path = tmp_path / f"{name}.yml"
        path.write_text(documented(f"systems/{name}.yml"), encoding="utf-8")
        load = extract(load_spec(path))
        assert load.status == "loaded", load.message
        return extract.ask(f"select * exclude (loaded_at) from ({rendered(documented(model))}) order by all")

    return run


def test_sent_mail_becomes_interactions(system: Any) -> None:
    content = (
        b"From me Mon May  4 09:00:00 2026\nDate: Mon, 4 May 2026 09:00:00 +0800\n"
        b"From: Wang Wei <w@example.com>\n"
        b"To: Li Na <li@example.com>, c@example.com\nSubject: =?gb2312?B?0Pi30Q==?=\n\nText\n"
    )
    rows = system("mail", "stg_mail__interactions.sql", "GUIKE_MAIL_FILES", "sent.mbox", content)
    assert [(row[1], row[2], row[3], row[4], row[5], row[6], str(row[7]), row[8]) for row in rows] == [
        (
            "sent.mbox#1#1",
            "Li Na",
            "li@example.com",
            "Wang Wei",
            "email",
            "out",
            "2026-05-04 01:00:00",
            "续费",
        ),
        ("sent.mbox#1#2", None, "c@example.com", "Wang Wei", "email", "out", "2026-05-04 01:00:00", "续费"),
    ]


def test_mail_that_came_back_names_a_wrong_address(system: Any) -> None:
    content = (
        b"From MAILER-DAEMON Mon May  4 09:00:00 2026\nDate: Mon, 4 May 2026 09:00:00 +0800\n"
        b"From: Mail Delivery System <MAILER-DAEMON@example.com>\nTo: w@example.com\n"
        b"Subject: Undelivered Mail Returned to Sender\n\n"
        b"<qwe88661@example.net>: host said: 550 5.1.1 no such user\n\n"
        b"From a Mon May  4 10:00:00 2026\nDate: Mon, 4 May 2026 10:00:00 +0800\n"
        b"From: c@example.com\nTo: w@example.com\nSubject: Hello\n\nwrite to <d@example.com>\n"
    )
    model = "stg_mail__interactions__returned.sql"
    rows = system("mail", model, "GUIKE_MAIL_FILES", "inbox.mbox", content)
    assert [row[1:6] for row in rows] == [
        ("inbox.mbox#1", "qwe88661@example.net", "email", "out", "wrong_number")
    ]


def test_a_phone_book_becomes_contacts(system: Any) -> None:
    content = (
        "BEGIN:VCARD\nVERSION:3.0\nFN:李娜\nORG:云杉软件;市场部\nTITLE:经理\nTEL;TYPE=WORK:0512-68001122\n"
        "EMAIL:li@example.com\nEND:VCARD\n"
    ).encode()
    rows = system("phonebook", "stg_phonebook__contacts.sql", "GUIKE_PHONEBOOK_FILES", "a.vcf", content)
    assert rows == [("contacts", "a.vcf#1", "云杉软件", "0512-68001122", "li@example.com", "李娜", "经理")]
