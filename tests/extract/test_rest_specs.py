"""The options of a REST system: what can't work, or would show a secret, is refused with file and line.

Failing means that a mistake in the YAML shows at night, or that a password gets into git.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.errors import GuikeError
from pipelines.extract.specs import load_spec
from pipelines.settings import ROOT
from tests.extract.conftest import MakeSpec
from tests.extract.rest_service import TABLES

BAD_SPECS = {
    "a token that is written out": ({"token": "s3cret"}, "write a secret as a variable"),
    "a password that is written out": (
        {"auth": "{type: basic, user: me, password: s3cret}"}, "write a secret as a variable"
    ),
    "two ways to log in": (
        {"token": "${T}", "auth": "{type: token, token: '${T}'}"}, "give either token or auth"
    ),
    "an unknown way to log in": ({"auth": "{type: digest}"}, "digest"),
    "a key without a name": ({"auth": "{type: api_key, key: '${K}'}"}, "name: is missing"),
    "a cursor from nowhere": ({"paging": "{type: cursor}"}, "paging of type cursor needs next"),
    "rows without a size": ({"paging": "{type: offset, size: ''}"}, "paging of type offset needs size"),
    "an option of another type": (
        {"paging": "{type: link, pages: n}"}, "pages means nothing for paging of type link"
    ),
    "no attempt": ({"limits": "{attempts: 0}"}, "limits.attempts"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_SPECS)
def test_bad_specs(make_spec: MakeSpec, case: str) -> None:
    options, says = BAD_SPECS[case]
    with pytest.raises(GuikeError, match=r"legacy.yml, line [78]: ") as caught:
        make_spec("rest", "http://127.0.0.1:9", TABLES, **options)
    assert says in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_body_needs_a_method_that_sends_it(make_spec: MakeSpec) -> None:
    with pytest.raises(GuikeError, match="a body needs method: POST"):
        make_spec("rest", "http://127.0.0.1:9", TABLES + "  body: {a: 1}\n")


def test_the_examples_in_the_docs_are_specs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(kind: rest\n.*?)```", page, re.S)
    assert len(examples) == 2
    for example in examples:
        path = tmp_path / "shop.yml"
        head = "name: shop\ntitle: {en: Shop, zh: 商店}\ntrust: 50\ntimezone: Asia/Shanghai\n"
        path.write_text(head + example, encoding="utf-8")
        assert load_spec(path).tables
