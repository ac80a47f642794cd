# ruff: noqa: E501
"""Made-up legacy systems with what each of their columns means, to measure `guike system add` by.

Each schema is a dict of tables; each table has its rows and, where it holds an entity, what each canonical
field should come from. Names and comments are of the kinds that firms really have: an English CRM, an ERP with
Chinese columns, a FoxPro-style ERP in pinyin initials, a camelCase shop, a folder of exports. Every value is
invented by a seeded generator.
"""

from __future__ import annotations

import csv
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Value = str | int | float | None


@dataclass(frozen=True)
class Table:
    """A made-up table.

    Attributes:
        columns: name -> a function from the row's number to its value.
        declared: what stands behind the column's name in CREATE TABLE.
        entity: what it holds, None where it should be left out.
        fields: canonical field -> the column that it should come from.
    """

    columns: dict[str, Callable[[int], Value]]
    rows: int
    entity: str | None = None
    fields: dict[str, str] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)
    primary: str | None = None


Schema = dict[str, Table]
_random = random.Random(20240601)
_SURNAMES, _GIVEN = "王李张刘陈杨赵黄周吴", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平"
_CITIES = ["无锡", "苏州", "常州", "南京", "上海"]
_TRADES = ["机械", "电子", "纺织", "食品", "建材", "塑胶"]
_FIRST = ["Anna", "Peter", "Maria", "John", "Lucy", "Omar", "Ivan", "Grace"]
_LAST = ["Miller", "Novak", "Smith", "Garcia", "Chen", "Olsen", "Brown"]


def person(_: int) -> str:
    return _random.choice(_SURNAMES) + "".join(_random.choices(_GIVEN, k=_random.choice([1, 2])))


def firm(n: int) -> str:
    return f"{_random.choice(_CITIES)}{_GIVEN[n % 20]}{_GIVEN[n // 20 % 20]}{_random.choice(_TRADES)}有限公司"


def english_firm(n: int) -> str:
    return f"{_random.choice(_LAST)} {_random.choice(['Trading', 'Foods', 'Systems', 'Media'])} {n} Ltd"


def english_person(_: int) -> str:
    return f"{_random.choice(_FIRST)} {_random.choice(_LAST)}"


def mobile(_: int) -> str:
    return f"13{_random.randint(100000000, 999999999)}"


def landline(_: int) -> str:
    return f"0510-8{_random.randint(1000000, 9999999)}"


def us_phone(_: int) -> str:
    return f"+1 (503) 555-{_random.randint(1000, 9999)}"


def email(n: int) -> str:
    return f"user{n}@example.com"


def day(_: int) -> str:
    return f"202{_random.randint(1, 4)}-{_random.randint(1, 12):02}-{_random.randint(1, 28):02}"


def compact_day(n: int) -> int:
    return int(day(n).replace("-", ""))


def moment(n: int) -> str:
    return f"{day(n)} {_random.randint(8, 18):02}:{_random.randint(0, 59):02}:00"


def epoch(_: int) -> int:
    return 1_640_000_000 + _random.randint(0, 80_000_000)


def money(_: int) -> float:
    return round(_random.uniform(20, 9000), 2)


def number(low: int, high: int) -> Callable[[int], Value]:
    return lambda _: _random.randint(low, high)


def one_of(*values: Value) -> Callable[[int], Value]:
    return lambda _: _random.choice(values)


def code(prefix: str, width: int = 4) -> Callable[[int], Value]:
    return lambda n: f"{prefix}{n:0{width}}"


def code_of(prefix: str, rows: int, width: int = 4) -> Callable[[int], Value]:
    return lambda _: f"{prefix}{_random.randint(1, rows):0{width}}"


def row(n: int) -> int:
    return n


def nothing(_: int) -> None:
    return None


_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_code(n: int) -> str:
    body = f"91320200MA1{n:06}"
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    total = sum(_CREDIT.index(letter) * weight for letter, weight in zip(body, weights, strict=True))
    return body + _CREDIT[(31 - total % 31) % 31]


SAAS: Schema = {
    "accounts": Table(
        {"id": row, "name": english_firm, "industry": one_of("Retail", "Food", "IT"), "phone": us_phone,
         "billing_street": lambda n: f"{n} Main Street", "billing_city": one_of("Boston", "Austin"),
         "website": lambda n: f"https://www{n}.example.com", "owner_id": number(1, 6), "created_at": moment,
         "updated_at": moment, "is_deleted": one_of(0, 0, 0, 1), "annual_revenue": money},
        60, "customers",
        {"customer_name": "name", "industry": "industry", "phone": "phone", "owner_source_id": "owner_id",
         "created_at": "created_at", "updated_at": "updated_at", "is_deleted": "is_deleted",
         "address": "billing_street", "region": "billing_city"},
        {"owner_id": "references users (id)"}, "id",
    ),
    "contacts": Table(
        {"id": row, "account_id": number(1, 60), "first_name": one_of(*_FIRST), "last_name": one_of(*_LAST),
         "title": one_of("CEO", "Buyer", "CFO"), "email": email, "mobile_phone": us_phone, "created_at": moment},
        90, "contacts",
        {"customer_source_id": "account_id", "first_name": "first_name", "last_name": "last_name",
         "contact_role": "title", "customer_email": "email", "customer_phone": "mobile_phone",
         "created_at": "created_at"},
        {"account_id": "references accounts (id)"}, "id",
    ),
    "users": Table(
        {"id": row, "username": code("user"), "full_name": english_person, "email": email,
         "password_hash": code("x"), "department": one_of("Sales", "Support"), "is_active": one_of(1, 1, 0),
         "hire_date": day},
        6, "staff",
        {"staff_name": "full_name", "email": "email", "department": "department", "is_active": "is_active",
         "hired_on": "hire_date"}, {}, "id",
    ),
    "subscriptions": Table(
        {"id": row, "subscription_number": code("S-"), "account_id": number(1, 60), "plan_name": one_of("Pro", "Basic"),
         "start_date": day, "end_date": day, "total_value": money, "status": one_of("active", "cancelled"),
         "cancelled_at": moment, "cancel_reason": one_of("price", "closed", None)},
        70, "contracts",
        {"customer_source_id": "account_id", "contract_no": "subscription_number", "product_kind": "plan_name",
         "starts_on": "start_date", "ends_on": "end_date", "amount_gross": "total_value", "status": "status",
         "terminated_on": "cancelled_at", "termination_reason": "cancel_reason"},
        {"account_id": "references accounts (id)"}, "id",
    ),
    "invoices": Table(
        {"id": row, "invoice_number": code("INV-"), "account_id": number(1, 60), "invoice_date": day,
         "due_date": day, "subtotal": money, "tax_amount": money, "total": money,
         "status": one_of("paid", "void", "draft")},
        120, "orders",
        {"customer_source_id": "account_id", "order_no": "invoice_number", "ordered_at": "invoice_date",
         "promised_on": "due_date", "amount_gross": "total", "amount_net": "subtotal", "tax_amount": "tax_amount",
         "status": "status"},
        {"account_id": "references accounts (id)"}, "id",
    ),
    "payments": Table(
        {"id": row, "invoice_id": number(1, 120), "amount": money, "payment_method": one_of("card", "wire"),
         "paid_at": moment, "status": one_of("succeeded", "failed")},
        100, "payments",
        {"order_source_id": "invoice_id", "amount_gross": "amount", "method": "payment_method",
         "paid_at": "paid_at", "status": "status"},
        {"invoice_id": "references invoices (id)"}, "id",
    ),
    "support_tickets": Table(
        {"id": row, "account_id": number(1, 60), "subject": one_of("Login broken", "How to export"),
         "category": one_of("bug", "question"), "priority": one_of("low", "high"), "status": one_of("open", "closed"),
         "opened_at": moment, "closed_at": moment},
        50, "tickets",
        {"customer_source_id": "account_id", "summary": "subject", "kind": "category", "severity": "priority",
         "status": "status", "opened_at": "opened_at", "closed_at": "closed_at"},
        {"account_id": "references accounts (id)"}, "id",
    ),
    "activities": Table(
        {"id": row, "account_id": number(1, 60), "user_id": number(1, 6), "activity_type": one_of("call", "meeting"),
         "activity_date": moment, "notes": one_of("Talked about renewal", "Left a message")},
        200, "interactions",
        {"customer_source_id": "account_id", "staff_source_id": "user_id", "channel": "activity_type",
         "occurred_at": "activity_date", "summary": "notes"},
        {"account_id": "references accounts (id)", "user_id": "references users (id)"}, "id",
    ),
    "settings": Table({"id": row, "name": code("key"), "value": code("v")}, 20, primary="id"),
    "audit_logs": Table({"id": row, "user_id": number(1, 6), "action": one_of("login", "edit"), "created_at": moment}, 300, primary="id"),
}  # fmt: skip

CHINESE: Schema = {
    "客户信息表": Table(
        {"客户编号": code("K"), "客户名称": firm, "联系人": person, "手机": mobile, "电话": landline,
         "统一社会信用代码": credit_code, "地址": lambda n: f"人民路{n}号", "所属行业": one_of(*_TRADES),
         "区域": one_of(*_CITIES), "业务员": code_of("Y", 8), "建档日期": day, "备注": nothing},
        80, "customers",
        {"customer_name": "客户名称", "contact_name": "联系人", "mobile": "手机", "phone": "电话",
         "credit_code": "统一社会信用代码", "address": "地址", "industry": "所属行业", "region": "区域",
         "owner_source_id": "业务员", "created_at": "建档日期"}, {}, "客户编号",
    ),
    "员工表": Table(
        {"工号": code("Y"), "姓名": person, "部门": one_of("销售部", "客服部"), "职务": one_of("经理", "业务员"),
         "手机号码": mobile, "入职日期": day, "离职日期": nothing, "在职": one_of("是", "是", "否")},
        8, "staff",
        {"staff_name": "姓名", "department": "部门", "position": "职务", "mobile": "手机号码",
         "hired_on": "入职日期", "left_on": "离职日期", "is_active": "在职"}, {}, "工号",
    ),
    "商品资料": Table(
        {"商品编号": code("P"), "商品名称": lambda n: f"轴承{n}", "商品类别": one_of("轴承", "电机"), "计量单位": one_of("个", "台"),
         "零售价": money, "条形码": code("69", 10)},
        40, "products",
        {"product_name": "商品名称", "category": "商品类别", "unit": "计量单位", "list_price": "零售价"}, {}, "商品编号",
    ),
    "销售订单": Table(
        {"订单编号": code("XS", 6), "订单日期": day, "客户编号": code_of("K", 80), "业务员": code_of("Y", 8),
         "要求交货日期": day, "含税金额": money, "税额": money, "订单状态": one_of("已审核", "作废", "草稿"), "备注": nothing},
        150, "orders",
        {"order_no": "订单编号", "ordered_at": "订单日期", "customer_source_id": "客户编号",
         "staff_source_id": "业务员", "promised_on": "要求交货日期", "amount_gross": "含税金额", "tax_amount": "税额",
         "status": "订单状态", "description": "备注"}, {}, "订单编号",
    ),
    "销售订单明细": Table(
        {"明细编号": row, "订单编号": code_of("XS", 150, 6), "商品编号": code_of("P", 40), "数量": number(1, 50),
         "单价": money, "折扣率": one_of(1, 1, 0.95, 0.9), "金额": money},
        300, "order_lines",
        {"order_source_id": "订单编号", "product_source_id": "商品编号", "quantity": "数量", "unit_price": "单价",
         "discount": "折扣率", "amount_gross": "金额"}, {}, "明细编号",
    ),
    "收款单": Table(
        {"收款单号": code("SK"), "收款日期": day, "客户编号": code_of("K", 80), "订单编号": code_of("XS", 150, 6),
         "收款金额": money, "结算方式": one_of("现金", "转账"), "状态": one_of("已审核", "未审核")},
        90, "payments",
        {"paid_at": "收款日期", "customer_source_id": "客户编号", "order_source_id": "订单编号",
         "amount_gross": "收款金额", "method": "结算方式", "status": "状态"}, {}, "收款单号",
    ),
    "合同": Table(
        {"合同编号": code("HT"), "合同名称": lambda n: f"年度供货合同{n}", "客户编号": code_of("K", 80), "签订日期": day,
         "开始日期": day, "结束日期": day, "合同金额": money, "合同状态": one_of("执行中", "已终止")},
        30, "contracts",
        {"contract_no": "合同编号", "contract_name": "合同名称", "customer_source_id": "客户编号",
         "signed_on": "签订日期", "starts_on": "开始日期", "ends_on": "结束日期", "amount_gross": "合同金额",
         "status": "合同状态"}, {}, "合同编号",
    ),
    "供应商": Table({"供应商编号": code("G"), "供应商名称": firm, "联系人": person, "电话": landline}, 25, primary="供应商编号"),
    "采购订单": Table({"采购单号": code("CG"), "供应商编号": code_of("G", 25), "采购日期": day, "金额": money}, 60, primary="采购单号"),
    "系统日志": Table({"编号": row, "操作员": person, "时间": moment, "内容": one_of("登录", "修改")}, 400, primary="编号"),
}  # fmt: skip

FOXPRO: Schema = {
    "KHDA": Table(
        {"KHBH": code("K"), "KHMC": firm, "LXR": person, "LXDH": landline, "SJ": mobile, "DZ": lambda n: f"中山路{n}号",
         "SH": credit_code, "YWY": person, "JDRQ": compact_day, "BZ": nothing},
        70, "customers",
        {"customer_name": "KHMC", "contact_name": "LXR", "phone": "LXDH", "mobile": "SJ", "address": "DZ",
         "credit_code": "SH", "owner_name": "YWY", "created_at": "JDRQ"}, {}, "KHBH",
    ),
    "SPDA": Table(
        {"SPBH": code("P"), "SPMC": lambda n: f"阀门{n}", "SPLB": one_of("阀门", "管件"), "JLDW": one_of("个", "套"), "LSJ": money},
        50, "products",
        {"product_name": "SPMC", "category": "SPLB", "unit": "JLDW", "list_price": "LSJ"}, {}, "SPBH",
    ),
    "XSDD": Table(
        {"DDH": code("D", 6), "KHBH": code_of("K", 70), "XSRQ": compact_day, "YWY": person, "HJJE": money,
         "ZT": one_of("已审核", "作废"), "JHRQ": compact_day},
        130, "orders",
        {"order_no": "DDH", "customer_source_id": "KHBH", "ordered_at": "XSRQ", "staff_name": "YWY",
         "amount_gross": "HJJE", "status": "ZT", "delivered_on": "JHRQ"}, {}, "DDH",
    ),
    "XSMX": Table(
        {"ID": row, "DDH": code_of("D", 130, 6), "SPBH": code_of("P", 50), "SL": number(1, 90), "DJ": money, "JE": money},
        260, "order_lines",
        {"order_source_id": "DDH", "product_source_id": "SPBH", "quantity": "SL", "unit_price": "DJ",
         "amount_gross": "JE"}, {}, "ID",
    ),
    "SKD": Table(
        {"SKDH": code("S", 6), "KHBH": code_of("K", 70), "SKRQ": compact_day, "SKJE": money, "JSFS": one_of("现金", "支票")},
        80, "payments",
        {"customer_source_id": "KHBH", "paid_at": "SKRQ", "amount_gross": "SKJE", "method": "JSFS"}, {}, "SKDH",
    ),
    "YGDA": Table(
        {"YGBH": code("Y"), "XM": person, "BM": one_of("销售部", "仓库"), "ZW": one_of("经理", "文员"), "SJHM": mobile, "RZRQ": compact_day},
        12, "staff",
        {"staff_name": "XM", "department": "BM", "position": "ZW", "mobile": "SJHM", "hired_on": "RZRQ"}, {}, "YGBH",
    ),
    "GYSDA": Table({"GYSBH": code("G"), "GYSMC": firm, "LXR": person, "LXDH": landline}, 20, primary="GYSBH"),
    "CGDD": Table({"CGDH": code("C"), "GYSBH": code_of("G", 20), "CGRQ": compact_day, "JE": money}, 40, primary="CGDH"),
    "XTCS": Table({"CSBH": code("X"), "CSZ": code("v")}, 15, primary="CSBH"),
}  # fmt: skip

SHOP: Schema = {
    "tblCustomer": Table(
        {"customerId": row, "custFirstName": one_of(*_FIRST), "custLastName": one_of(*_LAST), "emailAddress": email,
         "phoneNo": us_phone, "streetAddress": lambda n: f"{n} Oak Ave", "city": one_of("Portland", "Salem"),
         "dateCreated": epoch, "lastModified": epoch},
        90, "customers",
        {"first_name": "custFirstName", "last_name": "custLastName", "email": "emailAddress", "phone": "phoneNo",
         "address": "streetAddress", "region": "city", "created_at": "dateCreated", "updated_at": "lastModified"},
        {}, "customerId",
    ),
    "tblItem": Table(
        {"itemId": row, "itemName": lambda n: f"Lamp {n}", "itemGroup": one_of("Lamps", "Shades"), "sellingPrice": money,
         "costPrice": money, "uom": one_of("pcs", "set"), "qtyOnHand": number(0, 90)},
        45, "products",
        {"product_name": "itemName", "category": "itemGroup", "list_price": "sellingPrice", "unit": "uom"}, {}, "itemId",
    ),
    "tblSalesOrder": Table(
        {"orderId": row, "orderNo": code("SO"), "customerId": number(1, 90), "salesRepId": number(1, 5), "orderDate": epoch,
         "shipDate": epoch, "orderTotal": money, "taxTotal": money, "orderStatus": one_of("COMPLETED", "CANCELLED", "NEW"),
         "shipToName": english_person, "shipToAddress": lambda n: f"{n} Elm"},
        160, "orders",
        {"order_no": "orderNo", "customer_source_id": "customerId", "staff_source_id": "salesRepId",
         "ordered_at": "orderDate", "delivered_on": "shipDate", "amount_gross": "orderTotal", "tax_amount": "taxTotal",
         "status": "orderStatus"}, {}, "orderId",
    ),
    "tblSalesOrderItem": Table(
        {"orderItemId": row, "orderId": number(1, 160), "itemId": number(1, 45), "qty": number(1, 9), "unitPrice": money,
         "discountPct": one_of(0, 0, 5, 10), "lineTotal": money},
        320, "order_lines",
        {"order_source_id": "orderId", "product_source_id": "itemId", "quantity": "qty", "unit_price": "unitPrice",
         "discount": "discountPct", "amount_gross": "lineTotal"}, {}, "orderItemId",
    ),
    "tblReceipt": Table(
        {"receiptId": row, "orderId": number(1, 160), "customerId": number(1, 90), "receiptDate": epoch, "amountPaid": money,
         "payMode": one_of("CASH", "CARD")},
        110, "payments",
        {"order_source_id": "orderId", "customer_source_id": "customerId", "paid_at": "receiptDate",
         "amount_gross": "amountPaid", "method": "payMode"}, {}, "receiptId",
    ),
    "tblEmployee": Table(
        {"empId": row, "empName": english_person, "dept": one_of("Shop", "Office"), "jobTitle": one_of("Clerk", "Boss"),
         "joinDate": epoch, "mobileNo": us_phone},
        5, "staff",
        {"staff_name": "empName", "department": "dept", "position": "jobTitle", "hired_on": "joinDate", "mobile": "mobileNo"},
        {}, "empId",
    ),
    "tblVendor": Table({"vendorId": row, "vendorName": english_firm, "phoneNo": us_phone}, 12, primary="vendorId"),
    "tblPurchaseOrder": Table({"poId": row, "vendorId": number(1, 12), "poDate": epoch, "poTotal": money}, 30, primary="poId"),
    "sysConfig": Table({"configKey": code("k"), "configValue": code("v")}, 9, primary="configKey"),
}  # fmt: skip

EXPORTS: Schema = {
    "会员资料": Table(
        {"会员卡号": code("HY", 6), "姓名": person, "性别": one_of("男", "女"), "手机号": mobile, "微信号": code("wx_"),
         "电子邮箱": email, "入会日期": day, "家庭住址": lambda n: f"太湖大道{n}号"},
        75, "customers",
        {"customer_name": "姓名", "mobile": "手机号", "wechat_id": "微信号", "email": "电子邮箱",
         "created_at": "入会日期", "address": "家庭住址"},
    ),
    "订单导出": Table(
        {"订单号": code("2024", 6), "下单时间": moment, "会员卡号": code_of("HY", 75, 6), "订单总额": money,
         "订单状态": one_of("已完成", "已取消", "退款"), "导购": person},
        140, "orders",
        {"order_no": "订单号", "ordered_at": "下单时间", "customer_source_id": "会员卡号", "amount_gross": "订单总额",
         "status": "订单状态", "staff_name": "导购"},
    ),
    "订单商品": Table(
        {"序号": row, "订单号": code_of("2024", 140, 6), "商品名称": one_of("相册", "摆台", "海报"), "数量": number(1, 5), "成交单价": money,
         "小计": money},
        280, "order_lines",
        {"order_source_id": "订单号", "product_name": "商品名称", "quantity": "数量", "unit_price": "成交单价",
         "amount_gross": "小计"},
    ),
    "投诉工单": Table(
        {"工单号": code("T"), "客户电话": mobile, "问题描述": one_of("照片延期", "色差"), "类型": one_of("投诉", "咨询"),
         "提交时间": moment, "关闭时间": moment, "处理状态": one_of("已关闭", "处理中")},
        40, "tickets",
        {"customer_phone": "客户电话", "summary": "问题描述", "kind": "类型", "opened_at": "提交时间",
         "closed_at": "关闭时间", "status": "处理状态"},
    ),
    "回访记录": Table(
        {"记录编号": row, "会员卡号": code_of("HY", 75, 6), "回访时间": moment, "回访方式": one_of("电话", "微信"),
         "回访人": person, "回访内容": one_of("满意", "需要改进")},
        60, "interactions",
        {"customer_source_id": "会员卡号", "occurred_at": "回访时间", "channel": "回访方式", "staff_name": "回访人",
         "summary": "回访内容"},
    ),
}  # fmt: skip

TUNED: dict[str, Schema] = {"saas": SAAS, "chinese": CHINESE, "foxpro": FOXPRO}
HELD_BACK: dict[str, Schema] = {"shop": SHOP, "exports": EXPORTS}


def make_database(schema: Schema, path: Path) -> None:
    """The schema as a SQLite file."""
    with sqlite3.connect(path) as con:
        for name, table in schema.items():
            listed = ", ".join(
                f'"{column}" {table.declared.get(column, "")}'
                + (" primary key" if column == table.primary else "")
                for column in table.columns
            )
            con.execute(f'create table "{name}" ({listed})')
            marks = ", ".join("?" * len(table.columns))
            con.executemany(f'insert into "{name}" values ({marks})', _rows(table))
    con.close()


def make_folder(schema: Schema, folder: Path, encoding: str) -> None:
    """The schema as CSV files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in schema.items():
        with (folder / f"{name}.csv").open("w", encoding=encoding, newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            writer.writerows(_rows(table))


def _rows(table: Table) -> list[list[Any]]:
    return [[make(n) for make in table.columns.values()] for n in range(1, table.rows + 1)]
