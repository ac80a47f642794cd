"""A Chinese company's customers in four systems and two lists, unlike the demo company in words and faults.

Comes in: how many customers, a seed. Goes out: `Made`: rows of customers, orders and calls with the truth.
Truths that matter: branches, twins (one core in two towns), relatives with one phone, and the private card
of a firm's buyer are customers of their own. Names, towns, brands and numbers are put together at random.

The systems: `dealers` (firms, formal names, codes), `shop` (people and buyers, mini-program), `desk` (as heard
on the telephone), `fair` (visiting cards, half of them in pinyin or traditional). `book` has orders with
nothing but a name, `hotline` calls with a number and a name as heard.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import opencc
import pypinyin

from benchmarks.unseen_dice import (
    Column,
    Dice,
    Flags,
    Index,
    dropped,
    full_width,
    one_of,
    swapped,
    wrong_digit,
    wrong_letter,
)

SURNAMES = tuple(
    "李王张刘陈杨赵周吴徐孙马胡朱郭何罗高林郑梁谢唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严覃武戚莫孔向汤"
) + ("欧阳", "司马", "上官", "诸葛", "东方", "慕容", "令狐", "司徒")
GIVEN = (
    "伟芳秀英敏静强磊洋艳勇军杰娟涛明超霞平刚桂兰飞玉萍红梅鹏辉斌浩宇欣怡梓涵子轩雨泽思远佳琪俊熙一诺紫晴晓彤文博嘉慧志坚建华春生国栋丽华永康海燕雪莲金凤长青庆云德才福贵翠花素珍爱民卫东继红学文立新"
)
TOWNS = (
    ("广东", "佛山", "0757", "440600"), ("广东", "东莞", "0769", "441900"), ("福建", "厦门", "0592", "350200"),
    ("福建", "泉州", "0595", "350500"), ("山东", "济宁", "0537", "370800"), ("山东", "临沂", "0539", "371300"),
    ("河南", "洛阳", "0379", "410300"), ("河北", "石家庄", "0311", "130100"), ("辽宁", "大连", "0411", "210200"),
    ("辽宁", "沈阳", "024", "210100"), ("云南", "昆明", "0871", "530100"), ("贵州", "贵阳", "0851", "520100"),
    ("江西", "南昌", "0791", "360100"), ("广西", "柳州", "0772", "450200"), ("重庆", "重庆", "023", "500100"),
    ("天津", "天津", "022", "120100"), ("内蒙古", "呼和浩特", "0471", "150100"), ("浙江", "台州", "0576", "331000"),
)  # fmt: skip
BRANDS = "顺达隆昌远景百川凯旋正阳天成聚力博纳卓越中恒瑞祥金盾蓝海飞跃万佳同辉德润宝丰时代星光新宏建业长城友谊双龙四海五洲三江九鼎华夏先锋"
TRADES = (
    "金属制品", "精密模具", "陶瓷", "家居用品", "制衣", "食品饮料", "电器", "塑胶", "农机", "印刷包装", "货运代理", "建筑工程",
    "信息技术", "水产", "医药", "酒业", "玻璃", "轴承", "电缆", "苗木", "文具", "鞋业", "茶叶", "检测技术",
)  # fmt: skip
FORMS = ("有限公司", "有限责任公司", "股份有限公司", "厂", "商行", "合作社")
DISTRICTS = ("南城区", "高新区", "开发区", "城关镇", "北岸街道", "东湖区", "西山区", "临港新区")
ROADS = ("幸福路", "迎宾大道", "文昌街", "胜利西路", "滨河路", "站前街", "花园路", "工业大道", "学府路", "东风巷", "荷花池路")
TITLES_M, TITLES_F = ("先生", "总", "老板", "师傅", "经理", "老师"), ("女士", "小姐", "总", "老师", "经理", "阿姨")
SOUNDS_ALIKE = dict(
    zip(
        "达隆远凯正成力博卓恒祥辉润宝代宏建城双洲夏伟芳敏静磊娟霞梅鹏欣怡涵轩雨思佳俊晴文慧坚莲凤翠珍",
        "大龙元楷政诚利渤桌衡翔晖闰保带洪健诚霜州厦玮方民靖蕾鹃侠玫朋新宜含萱宇斯家骏情雯惠间连风粹真",
        strict=True,
    )
)
NO_NAMES = ("未知", "客户", "待补", "匿名", "XXX", "散客", "1", "不详", "test")
NO_NUMBERS = ("13900000000", "12345678910", "88888888", "00000000", "13812345678", "1", "无")
_CODE = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_TRADITIONAL = opencc.OpenCC("s2t")


@dataclass
class Made:
    """Rows by entity (customers, orders, interactions), each with `truth` and `kind` beside its columns."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, entity: str, system: str, truth: Column, is_firm: Flags, **columns: Any) -> None:
        """Add one system's rows; the ids are numbers in the order given."""
        ids = np.array([f"{system[0].upper()}{number}" for number in range(1, len(truth) + 1)], dtype=object)
        about = {"system": system, "source_table": entity, "source_id": ids, "truth": truth, "is_firm": is_firm}
        self.rows.setdefault(entity, []).append(about | columns)


@dataclass
class World:
    """True customers, one entry each; for a firm, surname, given and mobile are its contact's."""

    is_firm: Flags
    town: Index
    surname: Column
    given: Column
    is_woman: Flags
    mobile: Column
    old_mobile: Column
    landline: Column
    email: Column
    wechat: Column
    code: Column
    brand: Column
    trade: Column
    form: Column
    branch_of: Index
    branch_word: Column
    address: Column
    with_city_word: Flags


def make_zh(count: int, seed: int) -> Made:
    """`count` customers with about 2.2 records each, 0.7 mentions."""
    dice = Dice(seed)
    world = _world(dice, count)
    made = Made()
    _dealers(dice, world, made)
    _shop(dice, world, made)
    _desk(dice, world, made)
    _fair(dice, world, made)
    _lists(dice, world, made)
    return made


def _world(dice: Dice, count: int) -> World:
    is_firm = dice.happens(count, 0.42)
    town = dice.rng.integers(0, len(TOWNS), count)
    surname = dice.pick(SURNAMES, count, 0.9)
    given = dice.pick(tuple(GIVEN), count) + np.where(dice.happens(count, 0.8), dice.pick(tuple(GIVEN), count), "")
    empty: Column = np.full(count, None, dtype=object)
    spelled = _pinyin(surname) + _pinyin(given)
    number = np.arange(count).astype(str).astype(object)
    world = World(
        is_firm=is_firm,
        town=town,
        surname=surname,
        given=given,
        is_woman=dice.happens(count, 0.5),
        mobile=_mobiles(dice, count),
        old_mobile=_mobiles(dice, count),
        landline=empty.copy(),
        email=spelled + number + "@" + dice.pick(("mail.example", "post.example", "inbox.example"), count),
        wechat=np.where(dice.happens(count, 0.6), "wxid_" + dice.digits(count, 10), spelled + "_" + number),
        code=empty.copy(),
        brand=dice.pick(tuple(BRANDS), count) + dice.pick(tuple(BRANDS), count)
        + np.where(dice.happens(count, 0.3), dice.pick(tuple(BRANDS), count), ""),
        trade=dice.pick(TRADES, count),
        form=dice.pick(FORMS, count, 1.2),
        branch_of=np.full(count, -1),
        branch_word=dice.pick(("分公司", "营业部", "办事处"), count),
        address=empty.copy(),
        with_city_word=dice.happens(count, 0.5),
    )  # fmt: skip
    _make_twins(dice, world)
    area, place = _of_town(world, np.arange(count), 2), _of_town(world, np.arange(count), 1)
    world.landline = np.asarray(area + "-" + dice.digits(count, 8))
    world.code = np.where(is_firm, _codes(dice, town), None)
    streets = dice.pick(DISTRICTS, count) + dice.pick(ROADS, count) + dice.digits(count, 3)
    world.address = np.asarray(place + "市" + streets + "号")
    _share(dice, world)
    return world


def _of_town(world: World, who: Index, what: int) -> Column:
    """Province (0), city (1), area code (2) of customers."""
    return np.array([row[what] for row in TOWNS], dtype=object)[world.town[who]]


def _make_twins(dice: Dice, world: World) -> None:
    """Firms of one name in two towns; half of them are branches of the other."""
    heads = dice.some(world.is_firm, 0.12, 2)
    one, other = heads[::2], heads[1::2]
    for column in (world.brand, world.trade, world.form):
        column[other] = column[one]
    world.town[other] = (world.town[one] + 1 + other % (len(TOWNS) - 2)) % len(TOWNS)
    world.branch_of[other[::2]] = one[::2]


def _share(dice: Dice, world: World) -> None:
    """Relatives with one mobile, buyers with a private card, switchboards, agents' numbers."""
    people, firms = ~world.is_firm, world.is_firm
    pairs = dice.some(people, 0.08, 2)
    one, other = pairs[::2], pairs[1::2]
    world.mobile[other], world.address[other], world.town[other] = (
        world.mobile[one], world.address[one], world.town[one],
    )  # fmt: skip
    related = other[: len(other) // 2]
    world.surname[related] = world.surname[one[: len(other) // 2]]
    taken = np.zeros(len(people), dtype=bool)
    taken[pairs] = True
    buyers = dice.some(people & ~taken, 0.06)
    employers = dice.some(firms, 1.0)[: len(buyers)]
    buyers = buyers[: len(employers)]
    for column in (world.surname, world.given, world.mobile, world.wechat, world.is_woman):
        column[buyers] = column[employers]
    branches = np.flatnonzero(world.branch_of >= 0)
    parents = world.branch_of[branches]
    same_line = dice.happens(len(branches), 0.5)
    world.landline[branches[same_line]] = world.landline[parents[same_line]]
    for share, crowd, column in ((0.1, 30, world.landline), (0.03, 8, world.mobile)):
        sharing = dice.some(firms, share, crowd)
        column[sharing] = np.repeat(column[sharing[::crowd]], crowd)


def _mobiles(dice: Dice, count: int) -> Column:
    return np.asarray(dice.pick(("134", "137", "139", "147", "150", "158", "170", "175", "185", "188", "193"), count)
                      + dice.digits(count, 8))  # fmt: skip


def _codes(dice: Dice, town: Index) -> Column:
    """Unified social credit codes with right check digits (GB 11714, GB 32100-2015)."""
    made = []
    for place, body in zip(town.tolist(), dice.digits(len(town), 8).tolist(), strict=True):
        rest = 11 - sum(int(digit) * weight for digit, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True)) % 11
        code = "91" + TOWNS[place][3] + body + ("X" if rest == 10 else str(rest % 11))
        total = sum(_CODE.index(sign) * weight for sign, weight in zip(code, _CODE_WEIGHTS, strict=True))
        made.append(code + _CODE[(31 - total % 31) % 31])
    return np.array(made, dtype=object)


def _pinyin(words: Column) -> Column:
    spelled = {word: "".join(pypinyin.lazy_pinyin(word)) for word in set(words.tolist())}
    return np.array([spelled[word] for word in words.tolist()], dtype=object)


def _members(dice: Dice, share: Any, again: float, count: int) -> Index:
    """Who is in a system, some twice, in random order."""
    there = np.flatnonzero(dice.happens(count, share))
    return dice.rng.permutation(np.concatenate([there, there[dice.happens(len(there), again)]]))


def _firm_names(dice: Dice, world: World, who: Index, formal: float) -> Column:
    """Registered name, or one of the ways in which people shorten and turn it."""
    city, province = _of_town(world, who, 1), _of_town(world, who, 0)
    brand, trade, form = world.brand[who], world.trade[who], world.form[who]
    placed = city + np.where(world.with_city_word[who], "市", "")
    style = np.where(dice.happens(len(who), formal), 0, dice.rng.integers(1, 9, len(who)))
    forms = [
        placed + brand + trade + form, brand + trade + form, city + brand + trade, brand + trade,
        brand + "（" + city + "）" + trade + form, brand + trade + "(" + city + ")" + form,
        province + placed + brand + trade + form, brand + trade + "公司", city + brand,
    ]  # fmt: skip
    names = np.choose(style, forms)
    parent = world.branch_of[who]
    is_branch = parent >= 0
    home = _of_town(world, np.maximum(parent, 0), 1)
    long = home + brand + trade + form + city + world.branch_word[who]
    short = brand + trade + city + world.branch_word[who]
    return np.where(is_branch, np.where(style == 0, long, short), names)


def _called(dice: Dice, world: World, who: Index, title: float, latin: float, traditional: float) -> Column:
    """A person's name as written: in full, surname with a title, pinyin, or traditional."""
    surname, given = world.surname[who], world.given[who]
    names = surname + given
    titles = np.where(world.is_woman[who], dice.pick(TITLES_F, len(who)), dice.pick(TITLES_M, len(who)))
    titled = np.where(dice.happens(len(who), 0.15), "小" + surname, surname + titles)
    names = np.where(dice.happens(len(who), title), titled, names)
    rows = np.flatnonzero(dice.happens(len(who), latin))
    one, other = _pinyin(surname[rows]), _pinyin(given[rows])
    order = dice.rng.integers(0, 3, len(rows))
    names[rows] = [
        (f"{x.title()} {y.title()}", f"{y.title()} {x.title()}", f"{x.upper()} {y.title()}")[turn]
        for x, y, turn in zip(one.tolist(), other.tolist(), order.tolist(), strict=True)
    ]
    dice.spoil(names, traditional, lambda name, _: _TRADITIONAL.convert(name))
    return names


def _phones(dice: Dice, numbers: Column, old: Column) -> Column:
    """Numbers as they come: some are out of date, some mistyped, some written in another way."""
    written = np.where(dice.happens(len(numbers), 0.06), old, numbers)
    dice.spoil(written, 0.015, wrong_digit)
    dice.spoil(written, 0.012, swapped)
    dice.spoil(written, 0.004, dropped)
    dice.spoil(written, 0.03, lambda value, luck: ("+86 ", "86", "0086-", "(+86)")[luck % 4] + value)
    dice.spoil(written, 0.03, lambda value, _: f"{value[:3]} {value[3:7]} {value[7:]}")
    dice.spoil(written, 0.01, full_width)
    dice.spoil(written, 0.008, one_of(NO_NUMBERS))
    return written


def _misspell(dice: Dice, names: Column, share: float) -> None:
    dice.spoil(names, share, _other_sign)
    dice.spoil(names, share / 3, dropped)
    dice.spoil(names, share / 4, swapped)
    dice.spoil(names, share / 4, lambda name, _: " ".join(name) if len(name) < 4 else name + " ")
    dice.spoil(names, 0.006, one_of(NO_NAMES))


def _other_sign(name: str, luck: int) -> str:
    places = [place for place, sign in enumerate(name) if sign in SOUNDS_ALIKE]
    if not places:
        return name
    at = places[luck % len(places)]
    return name[:at] + SOUNDS_ALIKE[name[at]] + name[at + 1 :]


def _dealers(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.75, 0.0), 0.04, len(world.town))
    names = _firm_names(dice, world, who, 0.7)
    _misspell(dice, names, 0.02)
    code = dice.keep(world.code[who], 0.7)
    dice.spoil(code, 0.02, wrong_digit)
    dice.spoil(code, 0.06, lambda value, _: value[2:17])
    dice.spoil(code, 0.01, one_of(("000000000000000000", "无", "123456789012345678")))
    region = _of_town(world, who, 0) + _of_town(world, who, 1)
    made.add(
        "customers", "dealers", who, world.is_firm[who], party_type="organisation", customer_name=names,
        contact_name=dice.keep(_called(dice, world, who, 0.3, 0.0, 0.02), 0.7),
        mobile=dice.keep(_phones(dice, world.mobile[who], world.old_mobile[who]), 0.55),
        phone=dice.keep(_phones(dice, world.landline[who], world.landline[who]), 0.65),
        email=dice.keep(world.email[who], 0.25), credit_code=code,
        region=dice.keep(region, 0.8), address=dice.keep(world.address[who], 0.6),
    )  # fmt: skip


def _shop(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.0, 0.8), 0.05, len(world.town))
    names = _called(dice, world, who, 0.12, 0.03, 0.01)
    _misspell(dice, names, 0.02)
    made.add(
        "customers", "shop", who, world.is_firm[who], party_type="person", customer_name=names,
        mobile=dice.keep(_phones(dice, world.mobile[who], world.old_mobile[who]), 0.93),
        email=dice.keep(world.email[who], 0.2), wechat_id=dice.keep(world.wechat[who], 0.4),
        address=dice.keep(world.address[who], 0.75),
    )  # fmt: skip


def _desk(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.5, 0.5), 0.08, len(world.town))
    firm = world.is_firm[who]
    names = np.where(firm, _firm_names(dice, world, who, 0.25), _called(dice, world, who, 0.3, 0.0, 0.0))
    _misspell(dice, names, 0.04)
    made.add(
        "customers", "desk", who, firm, customer_name=names,
        contact_name=np.where(firm, dice.keep(_called(dice, world, who, 0.6, 0.0, 0.0), 0.6), None),
        mobile=dice.keep(_phones(dice, world.mobile[who], world.old_mobile[who]), 0.8),
        phone=np.where(firm, dice.keep(world.landline[who], 0.3), None),
        wechat_id=dice.keep(world.wechat[who], 0.15), region=dice.keep(_of_town(world, who, 1), 0.4),
        address=dice.keep(world.address[who], 0.4),
    )  # fmt: skip


def _fair(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.45, 0.15), 0.03, len(world.town))
    firm = world.is_firm[who]
    names = np.where(firm, _firm_names(dice, world, who, 0.5), _called(dice, world, who, 0.03, 0.2, 0.15))
    dice.spoil(names, 0.12, lambda name, _: _TRADITIONAL.convert(name))
    _misspell(dice, names, 0.02)
    email = dice.keep(world.email[who], 0.7)
    dice.spoil(email, 0.02, wrong_letter)
    made.add(
        "customers", "fair", who, firm, party_type=np.where(firm, "organisation", "person"), customer_name=names,
        contact_name=np.where(firm, _called(dice, world, who, 0.05, 0.3, 0.15), None),
        mobile=dice.keep(_phones(dice, world.mobile[who], world.old_mobile[who]), 0.7), email=email,
        phone=np.where(firm, dice.keep(world.landline[who], 0.4), None),
        region=dice.keep(_of_town(world, who, 0), 0.5),
    )  # fmt: skip


def _lists(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.4, 0.2), 0.3, len(world.town))
    firm = world.is_firm[who]
    names = np.where(firm, _firm_names(dice, world, who, 0.4), _called(dice, world, who, 0.05, 0.0, 0.0))
    _misspell(dice, names, 0.02)
    made.add("orders", "book", who, firm, customer_name=names)
    who = _members(dice, 0.35, 0.3, len(world.town))
    heard = _called(dice, world, who, 0.7, 0.0, 0.0)
    numbers = _phones(dice, world.mobile[who], world.old_mobile[who])
    made.add(
        "interactions", "hotline", who, world.is_firm[who], customer_phone=dice.keep(numbers, 0.95),
        customer_name=np.where(dice.happens(len(who), 0.1), None, heard),
    )  # fmt: skip
