"""`guike judge` and `guike customer`: what people say of customers, and what they are told of one.

Failing means that a judgement could be given on a record that doesn't exist, that somebody who types a phone
number would be told that nobody has it, or that personal data would be shown where it is masked.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from rich.cells import cell_len

from pipelines import cli, i18n
from pipelines.identity import judgements
from pipelines.settings import load_settings
from tests.identity.conftest import World
from warehouse import store

FIRM = "无锡恒达科技有限公司"
RECORDS = [
    {"source_id": "1", "party_type": "organisation", "customer_name": FIRM, "phone": "0510-82345671"},
    {"source_id": "2", "party_type": "person", "customer_name": "欧阳明", "mobile": "13912345671"},
    {"source_id": "3", "party_type": "person", "customer_name": "欧阳丽华", "mobile": "13912345672"},
    {"source_id": "4", "party_type": "person", "customer_name": "司马亮", "mobile": "13912345673"},
    {"source_id": "5", "party_type": "person", "customer_name": "诸葛琳", "mobile": "13912345674"},
]

_MARTS = """
create or replace table core.dim_customers as
select customer_id, any_value(party_type) as party_type, min(customer_name) as customer_name,
    min(mobile) as mobile, min(phone) as phone, min(email) as email, min(credit_code) as credit_code,
    '江苏' as region, count(*) as source_records
from quality.passed_customers inner join identity.customer_xref using (system, source_table, source_id)
group by customer_id;
create or replace table core.attribute_lineage as
select customer_id, attribute, value, 'crm' as system, 'customers' as source_table, '1' as source_id,
    'newest' as reason
from (unpivot (select customer_id, customer_name, mobile, phone from core.dim_customers)
    on customer_name, mobile, phone into name attribute value value);
create or replace table core.fct_orders as
select customer_id, 'crm' as system, date '2025-03-01' as ordered_on, 1234.50::decimal(18, 2) as amount_gross,
    true as is_revenue from core.dim_customers where customer_name = '{firm}';
create or replace table core.fct_payments as
    select customer_id, system, ordered_on as paid_on, amount_gross, false as is_received
    from core.fct_orders;
create or replace table core.fct_contracts as
    select customer_id, system, ordered_on as signed_on, amount_gross, 'draft' as status from core.fct_orders;
create or replace table core.fct_receivables as
    select customer_id, system, ordered_on as due_on, amount_gross, null::decimal(18, 2) as received_amount
    from core.fct_orders;
create or replace table core.fct_tickets as select customer_id, system, ordered_on::timestamp as opened_at
    from core.fct_orders limit 0;
create or replace table core.fct_interactions as
    select customer_id, system, ordered_on::timestamp as occurred_at from core.fct_orders;
create or replace table marts.customer_tiers as
select customer_id, 'star' as scheme, 2025 as period_year, false as is_complete, amount_gross as spend_gross,
    1 as orders, 1 as spend_place, 1 as customers_in_period, 'no star' as tier_name_en, '无星' as tier_name_zh
from core.fct_orders;
create or replace table marts.customer_churn as
select customer_id, 1 as spell_number, false as is_contractual, ordered_on as started_on,
    ordered_on as last_active_on, date '2025-06-01' as lost_on, date '2025-09-01' as confirmed_on,
    'passive' as kind, 'lapsed' as reason, amount_gross as value_lost_gross, null::varchar as evidence_system,
    null::varchar as evidence_table, null::varchar as evidence_id, null::date as won_back_on
from core.fct_orders;
create or replace table quality.rules as
    select 'customers.old' as rule_id, 'Touched lately' as title_en, '近期更新' as title_zh;
create or replace table quality.record_issues as
select 'customers.old' as rule_id, 'warn' as severity, 'crm' as system, 'customers' as source_table,
    '1' as source_id;
"""
_PUBLISHED = ("core", "marts", "quality.rules", "quality.record_issues", "identity.customer_xref",
              "identity.customer_ids", "identity.customer_id_changes")  # fmt: skip


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Five records, of which the last two became one customer in the second run."""
    home = tmp_path_factory.mktemp("template")
    world = World(dataclasses.replace(load_settings(), home=home, memory_limit="1GB", threads=2))
    world.put(customers=RECORDS)
    world.run()
    world.put(customers=[*RECORDS[:4], RECORDS[3] | {"source_id": "5"}])
    world.run()
    with store.connect(world.settings) as con:
        con.execute(_MARTS.format(firm=FIRM))
    publish(world)
    return world


@pytest.fixture
def company(template: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A copy of it, to be spoilt."""
    home = tmp_path / "home"
    shutil.copytree(template.settings.home, home)
    monkeypatch.setenv("GUIKE_HOME", str(home))
    i18n.set_language("en")
    yield World(dataclasses.replace(template.settings, home=home))
    i18n.set_language(None)


def publish(world: World, masked: bool = True) -> None:
    """What readers get: persons' names and all numbers masked."""
    path = world.settings.published / "current.duckdb"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute(f"attach '{world.settings.warehouse}' as working (read_only)")
        relations = con.execute(
            "select table_schema, table_name from information_schema.tables where table_catalog = 'working'"
        ).fetchall()
        for schema, name in relations:
            if schema in _PUBLISHED or f"{schema}.{name}" in _PUBLISHED:
                con.execute(f"create schema if not exists {schema}")
                con.execute(f"create table {schema}.{name} as from working.{schema}.{name}")
        if masked:
            con.execute(
                "update core.dim_customers set mobile = '139****0000', phone = '051***', customer_name = "
                "case when party_type = 'person' then customer_name[1] || '**' else customer_name end"
            )
            con.execute(f"update core.attribute_lineage set value = '***' where value <> '{FIRM}'")
        con.execute("create schema ops")
        con.execute("create table ops.snapshot as select ?::boolean as is_masked", [masked])


def guike(capsys: pytest.CaptureFixture[str], *arguments: str, expect: int = 0) -> str:
    """Run one command; what it printed, errors included."""
    code = cli.main(["--lang", "en", *arguments])
    shown = capsys.readouterr()
    assert code == expect, shown.err
    return shown.out + shown.err


# -- judge ----------------------------------------------------------------------------------------------

ONE, TWO = "crm.customers.2", "crm.customers.3"


def test_a_judgement_is_taken_in_listed_and_taken_back(
    company: World, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = guike(capsys, "judge", "same", ONE, TWO, "--why", "same man", "--by", "Lin")
    assert "next `guike run`" in shown
    (made,) = judgements.read(company.settings)
    assert (made.verdict, made.judged_by, made.reason) == ("same", "Lin", "same man")
    assert made.judgement_id in guike(capsys, "judge", "list")
    told = json.loads(guike(capsys, "judge", "list", "--json"))
    assert told[0]["left_record"] == ONE
    assert told[0]["is_in_force"] is True
    assert made.judgement_id in guike(capsys, "judge", "withdraw", TWO, ONE, "--why", "no", "--by", "Lin")
    assert "No judgement is in force" in guike(capsys, "judge", "list")
    assert guike(capsys, "judge", "list", "--all").count(ONE) == 2


def test_by_default_the_user_of_this_computer_judges(
    company: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "somebody")
    guike(capsys, "judge", "different", ONE, TWO, "--why", "father and son")
    assert judgements.read(company.settings)[0].judged_by == "somebody"

    def nobody() -> str:
        raise OSError("no user")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert "--by" in guike(capsys, "judge", "different", ONE, TWO, "--why", "again", expect=1)


def test_an_unknown_record_is_refused_with_the_nearest_names(
    company: World, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = guike(capsys, "judge", "same", ONE, "crm.custmers.3", "--why", "x", expect=1)
    assert "There is no record crm.custmers.3" in shown
    assert "crm.customers.3" in shown
    assert "--force" in shown
    assert judgements.read(company.settings) == []
    guike(capsys, "judge", "same", ONE, "crm.custmers.3", "--why", "x", "--by", "Lin", "--force")
    assert len(judgements.read(company.settings)) == 1


def test_during_a_run_the_published_file_says_which_records_there_are(
    company: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with store.writer_lock(company.settings, "a run"):
        assert "no record" in guike(capsys, "judge", "same", ONE, "crm.customers.9", "--why", "x", expect=1)
        guike(capsys, "judge", "same", ONE, TWO, "--why", "x", "--by", "Lin")
        assert "A run is under way" in guike(capsys, "judge", "queue", expect=4)


def test_a_contradiction_names_the_judgement_in_its_way(
    company: World, capsys: pytest.CaptureFixture[str]
) -> None:
    guike(capsys, "judge", "same", ONE, TWO, "--why", "x", "--by", "Lin")
    guike(capsys, "judge", "same", TWO, "crm.customers.4", "--why", "x", "--by", "Lin")
    shown = guike(capsys, "judge", "different", ONE, "crm.customers.4", "--why", "x", "--by", "Lin", expect=1)
    assert all(one.judgement_id in shown for one in judgements.read(company.settings))


def test_import_takes_all_or_nothing(
    company: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "bulk.csv"
    path.write_text(f"record_a,record_b,verdict,reason\n{ONE},{TWO},same,x\n{ONE},crm.customers.77,same,x\n")
    shown = guike(capsys, "judge", "import", str(path), "--by", "Lin", expect=1)
    assert "bulk.csv, line 3, column record_b: there is no record crm.customers.77" in shown
    assert judgements.read(company.settings) == []
    shown = guike(capsys, "judge", "import", str(path), "--by", "Lin", "--force")
    assert "2 judgements taken in" in shown
    assert "2 were known already" in guike(capsys, "judge", "import", str(path), "--by", "Lin", "--force")


def test_the_queue_shows_the_likeliest_first(company: World, capsys: pytest.CaptureFixture[str]) -> None:
    with store.connect(company.settings) as con:
        con.execute("drop table if exists identity.review_queue")
    assert "no queue" in guike(capsys, "judge", "queue", expect=1)
    with store.connect(company.settings) as con:
        con.execute(
            "create table identity.review_queue (left_system varchar, left_table varchar, left_id varchar, "
            "right_system varchar, right_table varchar, right_id varchar, score double, method varchar, "
            "reason varchar, evidence varchar, evidence_zh varchar, queued_at timestamp, run_id varchar)"
        )
    assert "No pair of records is in doubt" in guike(capsys, "judge", "queue")
    moment = datetime.now(UTC).replace(tzinfo=None)
    with store.connect(company.settings) as con:
        for score, other in ((0.6, "3"), (0.8, "4")):
            con.execute(
                "insert into identity.review_queue values ('crm', 'customers', '2', 'crm', 'customers', "
                "?, ?, 'model', 'not sure', 'same name', '同名', ?, 'r')",
                [other, score, moment],
            )
    shown = guike(capsys, "judge", "queue", "--limit", "1")
    assert "crm.customers.4" in shown
    assert "same name" in shown
    assert "crm.customers.3" not in shown
    assert "The first 1 are shown" in shown
    assert [row["score"] for row in json.loads(guike(capsys, "judge", "queue", "--json"))] == [0.8, 0.6]
    guike(capsys, "judge", "different", "crm.customers.4", "crm.customers.2", "--why", "x", "--by", "Lin")
    assert [row["score"] for row in json.loads(guike(capsys, "judge", "queue", "--json"))] == [0.6]


def test_judging_before_the_first_run_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIKE_HOME", str(tmp_path / "none"))
    assert "guike run" in guike(capsys, "judge", "same", ONE, TWO, "--why", "x", expect=1)
    assert "guike run" in guike(capsys, "judge", "queue", expect=1)
    assert "No judgement" in guike(capsys, "judge", "list")


# -- customer -------------------------------------------------------------------------------------------


def test_everything_known_of_one_customer(company: World, capsys: pytest.CaptureFixture[str]) -> None:
    firm = company.owners()["1"]
    shown = guike(capsys, "customer", "无锡恒达科技")
    for words in (
        firm,
        FIRM,
        "crm.customers.1",
        "1,234.50",
        "Lost since 2025-06-01",
        "Touched lately",
        "minted",
    ):
        assert words in shown
    assert "masked" in shown
    told = json.loads(guike(capsys, "customer", firm.lower(), "--json"))
    assert told["customer_id"] == firm
    assert [row["source_id"] for row in told["records"]] == ["1"]
    assert {row["what"]: row["amount_gross"] for row in told["dealings"]} == {
        "orders": 1234.5, "payments": None, "contracts": None, "receivables": 1234.5, "interactions": None,
    }  # fmt: skip
    assert told["churn"]["state"] == "lost"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_card_fits_into_a_hundred_columns(
    company: World, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    assert cli.main(["customer", FIRM, "--working", "--lang", lang]) == 0
    shown = capsys.readouterr().out
    assert max(cell_len(line) for line in shown.splitlines()) <= 100
    assert ("已知信息" if lang == "zh" else "What is known") in shown


@pytest.mark.parametrize("typed", ["13912345671", "+86 139-1234-5671", "１３９12345671", "13912345671.0"])
def test_a_phone_finds_its_customer_though_the_published_file_is_masked(
    company: World, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    shown = guike(capsys, "customer", typed)
    assert company.owners()["2"] in shown
    assert "13912345671" not in shown
    assert "欧阳明" not in shown
    assert "欧阳明" in guike(capsys, "customer", typed, "--working")


def test_where_the_working_file_is_out_of_reach_the_error_says_masked(
    company: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with store.writer_lock(company.settings, "a run"):
        shown = guike(capsys, "customer", "13912345671", expect=1)
        assert "is masked" in shown
        assert "A run is under way" in guike(capsys, "customer", "13912345671", "--working", expect=4)
        assert company.owners()["1"] in guike(capsys, "customer", "恒达")  # a firm's name is no secret
        publish(company, masked=False)
        assert company.owners()["2"] in guike(capsys, "customer", "13912345671")


def test_several_hits_are_a_list_to_choose_from(company: World, capsys: pytest.CaptureFixture[str]) -> None:
    shown = guike(capsys, "customer", "歐陽")
    owners = company.owners()
    assert "2 customers are meant" in shown
    assert owners["2"] in shown
    assert owners["3"] in shown
    told = json.loads(guike(capsys, "customer", "欧阳", "--json"))
    assert told["hits"] == 2


def test_an_alias_leads_to_the_present_customer(company: World, capsys: pytest.CaptureFixture[str]) -> None:
    ((alias, present),) = company.rows(
        "select customer_id, merged_into from identity.customer_ids where status = 'merged'"
    )
    shown = guike(capsys, "customer", alias)
    assert f"{alias} has become part of {present}" in shown
    assert f"Earlier ids: {alias}" in shown
    assert json.loads(guike(capsys, "customer", "crm.customers.5", "--json"))["customer_id"] == present


@pytest.mark.parametrize("typed", ["C99999999", "13900000009", "nobody@nowhere.example", "宇文化及", "  "])
def test_nobody_is_an_error_with_a_remedy(
    company: World, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    shown = guike(capsys, "customer", typed, expect=1)
    assert "→" in shown
    assert "masked" not in shown


# -- preview-merge: what needs no dbt; the whole is in tests/end_to_end/test_preview_merge.py -------------


def test_preview_refuses_what_cannot_be_merged(company: World, capsys: pytest.CaptureFixture[str]) -> None:
    owners = company.owners()
    shown = guike(capsys, "preview-merge", "crm.customers.4", "crm.customers.5", expect=1)
    assert "one customer already" in shown
    assert "No customer is known" in guike(capsys, "preview-merge", owners["1"], "C99999999", expect=1)
    assert "may be 2 customers" in guike(capsys, "preview-merge", owners["1"], "欧阳", expect=1)
    shown = guike(capsys, "preview-merge", owners["1"], owners["2"], expect=1)
    assert "Run `guike run` first" in shown  # these marts are none that dbt has built
    with store.writer_lock(company.settings, "a run"):
        assert "A run is under way" in guike(capsys, "preview-merge", owners["1"], owners["2"], expect=4)
    assert list((company.settings.home / "tmp").glob("preview-*")) == []
