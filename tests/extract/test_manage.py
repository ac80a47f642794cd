"""Systems shown, tried and removed.

Failing means that a password is listed, or that a removed system leaves something that still runs or counts.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import GuikeError
from pipelines.extract.manage import describe, reachable, remove_system
from pipelines.extract.masking import mask, mask_location, mask_typed, secrets_in
from pipelines.extract.registry import registry, write_registry
from pipelines.settings import Settings
from tests.extract.conftest import Extraction, MakeSpec

TABLES = """
- name: things
  key: [a]
  snapshot: every export is complete
  columns: [a, b]
"""


def test_a_system_is_described_without_its_password(make_spec: MakeSpec) -> None:
    spec = make_spec("database", "${GUIKE_X:-mysql://reader:s3cret@db/erp}", TABLES)
    assert describe(spec) == {
        "name": "legacy", "title": {"en": "Legacy", "zh": "旧系统"}, "kind": "database", "trust": 50,
        "location": "${GUIKE_X:-mysql://reader:***@db/erp}", "tables": ["things"],
    }  # fmt: skip


def test_reachable_says_what_is_missing(make_spec: MakeSpec, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    assert "there is no file" in str(reachable(make_spec("csv", path, TABLES)))
    path.write_text("a,b\n", encoding="utf-8")
    assert reachable(make_spec("csv", path, TABLES)) is None
    assert "does not exist" in str(reachable(make_spec("database", "sqlite:////nowhere.sqlite", TABLES)))
    assert reachable(make_spec("database", f"sqlite:///{path}", TABLES)) is None
    assert (
        reachable(make_spec("rest", "http://127.0.0.1:9", TABLES)) == "Nothing answers at 127.0.0.1, port 9."
    )
    odd = "mysql://u:a/b[c@127.0.0.1:9/x"
    assert reachable(make_spec("database", odd, TABLES)) == "Nothing answers at 127.0.0.1, port 9."
    assert "GUIKE_NOT_SET is not set" in str(reachable(make_spec("csv", "${GUIKE_NOT_SET}", TABLES)))


def test_a_removed_system_leaves_only_its_history(
    extract: Extraction, make_spec: MakeSpec, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    extract(make_spec("csv", tmp_path / "a.csv", TABLES))
    (tmp_path / "a.csv").write_text("a,b\n1,3\n", encoding="utf-8")
    extract(make_spec("csv", tmp_path / "a.csv", TABLES))
    (tmp_path / "legacy.yml").rename(settings.systems_dir / "legacy.yml")
    staging = settings.dbt_dir / "models" / "staging" / "legacy"
    staging.mkdir(parents=True)
    (staging / "stg_legacy__orders.sql").write_text("select 1", encoding="utf-8")
    write_registry(settings)
    pages = settings.home / "extract" / "legacy" / "pages"
    pages.mkdir(parents=True)

    removed = remove_system(settings, "legacy")

    assert len(removed) == 3
    assert not staging.exists()
    assert not pages.exists()
    assert not (settings.systems_dir / "legacy.yml").exists()
    assert registry(settings)["orders"] == []
    assert "stg_legacy" not in (settings.dbt_dir / "macros" / "registry.sql").read_text(encoding="utf-8")
    assert extract.ask("select schema_name from duckdb_schemas() where schema_name like 'raw_%'") == []
    assert extract.ask("from ops.systems") == []
    assert extract.ask("select count(*) from ops.loads") == [(2,)]
    with pytest.raises(GuikeError, match="There is no system 'legacy'"):
        remove_system(settings, "legacy")


def test_a_system_that_goes_takes_its_password_along(settings: Settings) -> None:
    settings.systems_dir.joinpath("legacy.yml").write_text(
        "location: ${GUIKE_LEGACY_URL}\n", encoding="utf-8"
    )
    env = settings.root / ".env"
    env.write_text("GUIKE_LANG=zh\nGUIKE_LEGACY_URL=mysql://u:pw@h/x\n", encoding="utf-8")
    assert "GUIKE_LEGACY_URL in .env" in remove_system(settings, "legacy")
    assert env.read_text(encoding="utf-8") == "GUIKE_LANG=zh\n"


def test_a_system_that_comes_back_is_loaded_afresh(
    extract: Extraction, make_spec: MakeSpec, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    spec = make_spec("csv", tmp_path / "a.csv", TABLES)
    extract(spec)
    (tmp_path / "legacy.yml").rename(settings.systems_dir / "legacy.yml")
    remove_system(settings, "legacy")
    assert extract(spec).status == "loaded"
    assert extract.ask("select a, b from raw_legacy.things") == [("1", "2")]


@pytest.mark.parametrize(
    ("location", "masked"),
    [
        ("mysql://root:pw@h:3306/x", "mysql://root:***@h:3306/x"),
        ("mysql://root@h:3306/x", "mysql://root@h:3306/x"),
        ("redis://:pw@h", "redis://:***@h"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("mysql://user@server:pw@h/x", "mysql://user@server:***@h/x"),
        ("mysql://u:p@ss@h/x", "mysql://u:***@h/x"),
        (
            "postgresql://h/x?user=u&password=pw&sslmode=require",
            "postgresql://h/x?user=u&password=***&sslmode=require",
        ),
        ("mssql://?odbc_connect=UID%3Du%3BPWD%3Dpw%3Bx", "mssql://?odbc_connect=UID%3Du%3BPWD%3D***%3Bx"),
        ("https://h/x?token=${NAME}", "https://h/x?token=${NAME}"),
        ("sqlite:////data/a@b/x.sqlite", "sqlite:////data/a@b/x.sqlite"),
    ],
)
def test_locations_are_masked(location: str, masked: str) -> None:
    assert mask_location(location) == masked


def test_messages_are_masked_in_every_spelling() -> None:
    secrets = secrets_in("mysql://root:pa%20ss%2Fw@h/x")
    assert secrets == {"pa%20ss%2Fw", "pa ss/w"}
    assert mask("a pa ss/w b pa%20ss%2Fw c pa+ss%2Fw d", secrets) == "a *** b *** c *** d"


def test_what_a_driver_takes_for_the_host_is_masked() -> None:
    secrets = secrets_in("mysql://u:p4ss@w0rd@h/x?auth_token=t0k")
    assert mask("no host w0rd@h, t0k", secrets) == "no host ***@h, ***"
    assert mask("no host t@h told", secrets_in("mysql://u:p4ss@t@h/x")) == "no host ***h told"
    assert mask_typed("u:s3cr@t@h/x") == "u:***@h/x"
    assert mask_typed("/srv/a@b/c:d") == "/srv/a@b/c:d"
