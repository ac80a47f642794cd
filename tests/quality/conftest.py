"""An empty input layer, and one without a fault."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from pipelines.settings import Settings, load_settings
from tests.quality.input_layer import Records


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(load_settings(), home=tmp_path, fixed_as_of=date(2026, 6, 30), timezone="Asia/Shanghai")


@pytest.fixture
def records(settings: Settings) -> Records:
    return Records(settings)


@pytest.fixture
def sound(records: Records) -> Records:
    """Twenty customers, orders and payments without a fault."""
    for n in range(20):
        records.add(
            "customers", f"c{n}", customer_name=f"无锡第{n}机械有限公司", party_type="organisation",
            mobile=f"1391234{n:04d}", owner_name="陈静", email=f"office{n}@example.com",
        )  # fmt: skip
        records.add(
            "orders", f"o{n}", customer_source_id=f"c{n}", ordered_at=datetime(2026, 3, 1),
            status="confirmed", amount_gross=1000 + n, amount_net=900 + n, staff_name="陈静",
            raw_date="2026-03-01",
        )  # fmt: skip
        records.add(
            "payments", f"p{n}", customer_source_id=f"c{n}", order_source_id=f"o{n}",
            paid_at=datetime(2026, 4, 1), status="confirmed", amount_gross=1000 + n, raw_date="2026-04-01",
        )  # fmt: skip
    return records
