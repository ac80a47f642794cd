"""Presets: ready-made systems, of which the demo's CRM and ERP are two.

Failing means that `guike system add … --preset` leaves something half-written or a password in a file, that a
preset reads a column which the product doesn't have, or that the demo no longer goes through the presets.

After a change to a preset write the demo's files anew: .venv/bin/python -m tests.extract.test_presets
"""

from __future__ import annotations

import csv
import shutil
import stat

import pytest
import yaml

from pipelines.demo.database import definitions
from pipelines.errors import GuikeError
from pipelines.extract.presets import apply_preset, preset_names, render_preset
from pipelines.extract.registry import write_registry
from pipelines.extract.secrets_file import has_secret, location_without_secret
from pipelines.extract.specs import load_spec
from pipelines.settings import ROOT, Settings, load_settings

FACTS = ROOT.parent / "shared" / "legacy_schemas.csv"
DEMO = {
    "crm": ("wukong_crm_11", "${GUIKE_CRM_URL:-sqlite:///${GUIKE_HOME}/demo/sources/crm.sqlite}"),
    "erp": ("jsh_erp", "${GUIKE_ERP_URL:-sqlite:///${GUIKE_HOME}/demo/sources/erp.sqlite}"),
}
REGENERATE = ".venv/bin/python -m tests.extract.test_presets"


def demo_files(name: str) -> dict[str, str]:
    """What the preset makes of one of the demo's systems: path in the project -> text."""
    preset, location = DEMO[name]
    return render_preset(preset, name, location)


def regenerate() -> None:
    """Write the demo's CRM and ERP anew from their presets."""
    for name in DEMO:
        shutil.rmtree(ROOT / "dbt_project" / "models" / "staging" / name, ignore_errors=True)
        for path, text in demo_files(name).items():
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(text, encoding="utf-8")
    write_registry(load_settings())


@pytest.fixture
def facts() -> dict[str, dict[str, set[str]]]:
    """Product -> table -> its columns in small letters, as the products' own schemas have them."""
    if not FACTS.exists():
        pytest.skip(f"{FACTS} is not there, so nothing says which columns the products have")
    found: dict[str, dict[str, set[str]]] = {}
    with FACTS.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            columns = found.setdefault(row["product"], {}).setdefault(row["table"], set())
            columns |= {row["column"].lower()} if row["column"] else set()
    return found


def everything(settings: Settings) -> dict[str, bytes]:
    return {
        str(path.relative_to(settings.root)): path.read_bytes()
        for path in sorted(settings.root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", DEMO)
def test_the_demos_files_are_what_its_preset_makes(name: str) -> None:
    wanted = demo_files(name)
    folder = ROOT / "dbt_project" / "models" / "staging" / name
    present = {str(path.relative_to(ROOT)) for path in folder.iterdir()} | {f"pipelines/systems/{name}.yml"}
    assert present == set(wanted), f"write them anew: {REGENERATE}"
    for path, text in wanted.items():
        assert (ROOT / path).read_bytes() == text.encode(), f"{path} differs; write it anew: {REGENERATE}"


def test_presets_are_listed() -> None:
    assert preset_names() == ["jsh_erp", "wukong_crm_11"]


@pytest.mark.parametrize("preset", preset_names())
def test_a_preset_becomes_a_system(settings: Settings, preset: str) -> None:
    written = apply_preset(settings, preset, "old_shop", "sqlite:///shop.db", 'Shop "Nord": 旧店')
    assert all(path.is_file() for path in written)
    spec = load_spec(settings.systems_dir / "old_shop.yml")
    assert (spec.name, spec.location) == ("old_shop", "sqlite:///shop.db")
    assert spec.title.en == spec.title.zh == 'Shop "Nord": 旧店'
    registry = (settings.dbt_dir / "macros" / "registry.sql").read_text(encoding="utf-8")
    models = {path.stem for path in written if path.suffix == ".sql"}
    assert all(model.startswith("stg_old_shop__") and f"'{model}'" in registry for model in models)
    assert "'old_shop': 'Asia/Shanghai'" in registry
    for path in written:
        assert "<system>" not in path.read_text(encoding="utf-8")
    assert set(everything(settings)) == {
        *(str(path.relative_to(settings.root)) for path in written), "dbt_project/macros/registry.sql",
    }  # fmt: skip


@pytest.mark.parametrize("preset", preset_names())
def test_every_model_is_described_and_tested_and_reads_what_the_spec_reads(preset: str) -> None:
    files = render_preset(preset, "x", "sqlite:///x.db")
    staging = {path.rpartition("/")[2]: text for path, text in files.items() if "/staging/" in path}
    described = yaml.safe_load(staging["_x__models.yml"])
    models = {name.removesuffix(".sql") for name in staging if name.endswith(".sql")}
    assert {model["name"] for model in described["models"]} == models
    # Lines of contracts take over what stands in them; there is nothing to decode.
    tested = {test["model"] for test in described["unit_tests"]} | {"stg_x__order_lines"}
    assert tested >= models
    spec = yaml.safe_load(files["pipelines/systems/x.yml"])
    read = {table["name"] for table in spec["tables"]}
    sources = yaml.safe_load(staging["_x__sources.yml"])["sources"]
    assert {table["name"] for source in sources for table in source["tables"]} <= read
    used = "".join(text for name, text in staging.items() if name.endswith(".sql"))
    for source in sources:
        for table in source["tables"]:
            assert f"source('{source['name']}', '{table['name']}')" in used


@pytest.mark.parametrize(
    ("preset", "name", "location", "said"),
    [
        ("sap", "shop", "sqlite:///a", "There is no preset 'sap'. Choose one of these presets: jsh_erp, wuk"),
        ("jsh_erp", "Shop", "sqlite:///a", "'Shop' can't be the name of a system"),
        ("jsh_erp", "a__b", "sqlite:///a", "'a__b' can't be the name of a system"),
        ("jsh_erp", "../a", "sqlite:///a", "'../a' can't be the name of a system"),
        ("jsh_erp", "shop_staging", "sqlite:///a", "'shop_staging' can't be the name of a system"),
        ("jsh_erp", "taken", "sqlite:///a", "The system 'taken' is there already: pipelines/systems/taken.y"),
        ("jsh_erp", "shop", "erp.db", "The location erp.db is not a database URL."),
        ("jsh_erp", "shop", "mysql://h/a\nkind: csv", "The location of shop has more than one line."),
        ("jsh_erp", "shop", "mysql://${h}/a", "write a variable as ${NAME} or ${NAME:-default}"),
    ],
)
def test_what_cannot_work_is_refused_and_nothing_written(
    settings: Settings, preset: str, name: str, location: str, said: str
) -> None:
    (settings.systems_dir / "taken.yml").write_text("here", encoding="utf-8")
    before = everything(settings)
    with pytest.raises(GuikeError) as refusal:
        apply_preset(settings, preset, name, location)
    assert said in f"{refusal.value.what} {refusal.value.remedy}"
    assert everything(settings) == before


def test_a_failure_at_the_end_leaves_nothing_behind(settings: Settings) -> None:
    """The registry can't be written: another system's staging model belongs to nobody."""
    stray = settings.dbt_dir / "models" / "staging" / "other" / "stg_other__orders.sql"
    stray.parent.mkdir(parents=True)
    stray.write_text("select 1", encoding="utf-8")
    before = everything(settings)
    with pytest.raises(GuikeError, match="belongs to no system"):
        apply_preset(settings, "jsh_erp", "shop", "mysql://u:hidden@h/a")
    assert everything(settings) == before
    assert not (settings.dbt_dir / "models" / "staging" / "shop").exists()


def test_trust_is_the_users_where_given(settings: Settings) -> None:
    written = apply_preset(settings, "jsh_erp", "shop", "sqlite:///a", trust=15)
    assert load_spec(written[0]).trust == 15


def test_a_password_goes_into_the_env_file(settings: Settings) -> None:
    env = settings.root / ".env"
    env.write_text("# ours\nGUIKE_LANG=zh\n", encoding="utf-8")
    url = "mysql+pymysql://reader:t0p%20secret@db:3306/erp"
    written = apply_preset(settings, "jsh_erp", "old_shop", url)
    for path in written:
        assert "t0p" not in path.read_text(encoding="utf-8")
    assert load_spec(written[0]).location == "${GUIKE_OLD_SHOP_URL}"
    assert env.read_text(encoding="utf-8") == f"# ours\nGUIKE_LANG=zh\nGUIKE_OLD_SHOP_URL={url}\n"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600


def test_a_refused_system_leaves_no_password_behind(settings: Settings) -> None:
    with pytest.raises(GuikeError, match="title"):
        apply_preset(settings, "jsh_erp", "shop", "mysql://u:hidden@h/a", title="")
    assert everything(settings) == {}


def test_a_new_password_replaces_the_old_line(settings: Settings) -> None:
    for word in ("one", "two"):
        assert location_without_secret(settings, "shop", f"mysql://u:{word}@h/a") == "${GUIKE_SHOP_URL}"
    assert (settings.root / ".env").read_text(encoding="utf-8") == "GUIKE_SHOP_URL=mysql://u:two@h/a\n"


def test_an_environment_that_outranks_the_file_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIKE_SHOP_URL", "mysql://u:other@h/a")
    with pytest.raises(GuikeError, match="GUIKE_SHOP_URL is set already") as refusal:
        apply_preset(settings, "jsh_erp", "shop", "mysql://u:hidden@h/a")
    assert "hidden" not in f"{refusal.value.what} {refusal.value.remedy}"
    assert everything(settings) == {}


def test_an_env_file_that_cannot_be_written_is_told(settings: Settings) -> None:
    (settings.root / ".env.new").mkdir()
    with pytest.raises(GuikeError, match="can't be written") as refusal:
        apply_preset(settings, "jsh_erp", "shop", "mysql://u:hidden@h/a")
    assert "hidden" not in f"{refusal.value.what} {refusal.value.remedy}"
    assert everything(settings) == {}


@pytest.mark.parametrize(
    ("location", "secret"),
    [
        ("mysql://u:pw@h/a", True),
        ("mysql://u@h/a", False),
        ("mysql://u:${SHOP_PW}@h/a", False),
        ("${SHOP_URL:-mysql://u:pw@h/a}", True),
        ("${SHOP_URL:-sqlite:///${GUIKE_HOME}/a.db}", False),
        ("postgresql://h/a?user=u&password=pw", True),
        ("mssql+pyodbc:///?odbc_connect=UID%3Du%3BPWD%3Dpw", True),
        ("https://h/export?token=abc", True),
        ("sqlite:///pwd.db", False),
    ],
)
def test_what_counts_as_a_secret(location: str, secret: bool) -> None:
    assert has_secret(location) == secret


@pytest.mark.parametrize("preset", preset_names())
def test_a_preset_reads_only_what_the_product_has(
    preset: str, facts: dict[str, dict[str, set[str]]], settings: Settings
) -> None:
    spec = load_spec(apply_preset(settings, preset, "shop", "sqlite:///a")[0])
    for table in spec.tables:
        assert table.source in facts[preset]
        strange = {
            column.source
            for column in table.columns
            if column.source.lower() not in facts[preset][table.source]
        }
        assert not strange, f"{preset}, {table.source}: {strange}"


@pytest.mark.parametrize(("system", "product"), [("crm", "wukong_crm_11"), ("erp", "jsh_erp")])
def test_the_demos_tables_are_the_products(
    system: str, product: str, facts: dict[str, dict[str, set[str]]]
) -> None:
    for table, columns in definitions(system).items():
        assert {column.lower() for column in columns} == facts[product][table], table


def test_the_demo_makes_every_table_that_its_presets_read() -> None:
    for name in DEMO:
        spec = load_spec(ROOT / "pipelines" / "systems" / f"{name}.yml")
        made = definitions(name)
        assert {table.source for table in spec.tables} == set(made)
        for table in spec.tables:
            assert {column.source for column in table.columns} <= set(made[table.source])


if __name__ == "__main__":
    regenerate()
