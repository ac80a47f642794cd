"""The direction of flow, read from dbt's manifest: staging → input → core → marts, nothing backwards.

Failing means that a figure would depend on something that its layer may not know: a mart on one system's
peculiarity, a staging model on another system, or a published column without type or privacy tag.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.settings import environment, load_settings

Node = dict[str, Any]

# Layer of a model (its schema; of one in the schema quality, the folder) -> (schemas of the models it may
# read, names of the sources it may read).
MAY_READ: dict[str, tuple[set[str], set[str]]] = {
    "input": ({"staging"}, set()),
    "quality of input": ({"input", "quality"}, set()),
    "quality of core": ({"input", "core", "quality"}, {"identity", "quality", "ops"}),
    "quality of marts": ({"input", "core"}, {"quality"}),
    "core": ({"input", "core"}, {"identity", "quality", "ops"}),
    "marts": ({"core", "input", "marts"}, set()),
}
PUBLISHED = ("input", "quality", "core", "marts")
PERSONAL = {
    "customer_name", "contact_name", "mobile", "phone", "email", "wechat_id", "address",
    "customer_phone", "customer_email", "referred_name", "referred_phone",
}  # fmt: skip


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The parsed project; no warehouse is opened for it."""
    home, folder = tmp_path_factory.mktemp("manifest"), str(load_settings().dbt_dir)
    paths = {"DBT_TARGET_PATH": home, "DBT_LOG_PATH": home, "GUIKE_WAREHOUSE": home / "none.duckdb"}
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "parse", "--project-dir", folder, "--profiles-dir", folder],
        env=environment() | {name: str(path) for name, path in paths.items()},
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    found: dict[str, Any] = json.loads((home / "manifest.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> list[Node]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def _parents(manifest: dict[str, Any], model: Node) -> Iterator[Node]:
    for name in model["depends_on"]["nodes"]:
        yield manifest["sources"].get(name) or manifest["nodes"][name]


def _system(model: Node) -> str:
    return Path(model["original_file_path"]).parent.name


def _layer(model: Node) -> str:
    folder = Path(model["original_file_path"]).parts[1]
    return f"quality of {folder}" if model["schema"] == "quality" else str(model["schema"])


def test_every_model_is_in_a_layer(models: list[Node]) -> None:
    assert {_layer(model) for model in models} <= {"staging", *MAY_READ}


def test_only_staging_reads_raw(manifest: dict[str, Any], models: list[Node]) -> None:
    readers = {
        model["schema"] for model in models for parent in _parents(manifest, model)
        if parent["resource_type"] == "source" and parent["schema"].startswith("raw_")
    }  # fmt: skip
    assert readers == {"staging"}


def test_staging_reads_its_own_raw_schema_only(manifest: dict[str, Any], models: list[Node]) -> None:
    wrong = [
        f"{model['name']} reads {parent['unique_id']}"
        for model in models if model["schema"] == "staging" for parent in _parents(manifest, model)
        if (parent["resource_type"], parent["schema"]) != ("source", f"raw_{_system(model)}")
    ]  # fmt: skip
    assert wrong == []


def test_staging_models_are_named_after_their_system(models: list[Node]) -> None:
    staging = [model for model in models if model["schema"] == "staging"]
    wrong = [model["name"] for model in staging if not model["name"].startswith(f"stg_{_system(model)}__")]
    assert wrong == []


def test_layers_read_downwards_only(manifest: dict[str, Any], models: list[Node]) -> None:
    wrong = []
    for model in models:
        if model["schema"] == "staging":
            continue
        schemas, sources = MAY_READ[_layer(model)]
        for parent in _parents(manifest, model):
            allowed = {
                "source": parent["schema"] in sources,
                "seed": model["schema"] == "marts",
                "model": parent["schema"] in schemas,
            }
            if not allowed[parent["resource_type"]]:
                wrong.append(f"{model['name']} ({model['schema']}) reads {parent['unique_id']}")
    assert wrong == []


def test_published_models_have_an_enforced_contract(models: list[Node]) -> None:
    wrong = [
        model["name"] for model in models
        if model["schema"] in PUBLISHED and not model["name"].startswith("int_")
        and not model["config"]["contract"]["enforced"]
    ]  # fmt: skip
    assert wrong == []


def test_every_model_states_its_grain(models: list[Node]) -> None:
    wrong = [model["name"] for model in models if not model["description"].strip()]
    assert wrong == []


def test_published_personal_data_is_tagged(models: list[Node]) -> None:
    wrong = [
        f"{model['name']}.{column['name']}"
        for model in models if model["schema"] in PUBLISHED for column in model["columns"].values()
        if column["name"] in PERSONAL and "personal_data" not in column["config"]["meta"]
    ]  # fmt: skip
    assert wrong == []
