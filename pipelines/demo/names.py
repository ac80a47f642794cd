"""The words that the demo company's world is made of.

Comes in: nothing. Goes out: vocabularies as numpy object arrays, so that a million names are one
look-up and one addition. People, firms and products are put together at random from these parts; no
entry is a real person or firm. `TRADITIONAL` turns the simplified characters used here into the
traditional ones that some colleagues type.
"""

from __future__ import annotations

import numpy as np

from pipelines.demo.fabric import vocabulary

SURNAMES = vocabulary(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁"
    "任卢姚沈钟姜崔"
    "谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙陶贺顾毛郝龚邵万钱严武戴莫孔向汤温康施文牛樊"
    "葛邢安齐易乔伍庞"
    "颜倪庄聂章鲁岳翟申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季成裴霍涂苗谷曲盛冉翁蓝路游辛靳"
    "管柴蒙鲍华喻祁"
)
# Frequent surnames first: a Zipf-like law over the list above.
SURNAME_WEIGHTS = 1.0 / np.arange(4, len(SURNAMES) + 4) ** 0.9
SURNAME_WEIGHTS /= SURNAME_WEIGHTS.sum()

GIVEN_MALE = vocabulary(
    "伟强磊军勇杰涛超明刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林建国志文博远航天佑嘉诚永康少锋振海庆山"
    "岩松柏川江云"
    "毅恒达学思源泽豪子轩昊然一鸣家栋立群绍良承光瑞晨阳启东景行卫民世昌维炎玉成向荣兆丰宏图晓春雷震霖铭哲彦"
)
GIVEN_FEMALE = vocabulary(
    "芳娜敏静丽艳娟霞秀玲燕红梅莉洁慧萍雪琳婷颖倩晶欣妍佳怡雨桐梦瑶思琪诗涵紫萱美兰月菊香凤英春花素珍"
    "巧云淑贞爱华"
    "蕾薇莹芸蓉菲茜岚筱晓彤可馨若曦语嫣舒雅亦凡如意灵珊小宛清照采薇映雪含笑碧玉青青子衿书瑾知夏安宁念慈"
)
BRAND_FIRST = vocabulary(
    "鑫源恒泰宏盛华瑞金诚信德博创新宇天海东南云锦祥和润嘉永安万通达利亿佳美康顺兴隆丰裕汇聚鼎卓越领航"
    "启明星晨曦朗悦"
    "雅致尚品优锐智慧联众合力同心长青绿野蓝景光辉腾龙凤凰麒麟玉衡北斗紫荆梧桐银杏松柏梅兰竹菊墨砚书香弘毅远"
)
BRAND_SECOND = vocabulary(
    "源泰盛瑞诚德创宇海锦祥润嘉安通达利佳康顺兴隆丰裕汇聚鼎卓领航启明星晨朗悦雅尚优锐智联众合力心青野"
    "景辉腾龙凰麟衡"
    "斗荆桐杏柏兰竹墨书毅远图辰轩凯迪森诺格威捷胜伦霖淼晟铭浩旺发财升平和谐舟帆港湾桥路程途乐怡欣荣茂昌"
)
TRADES = vocabulary(
    [
        "机械", "电子", "科技", "建材", "纺织", "服装",
        "餐饮", "酒店", "物流", "装饰", "医疗器械", "教育咨询",
        "文化传媒", "旅游", "汽车配件", "化工", "五金", "食品",
        "农业", "环保设备", "照明", "家具", "房地产", "电气",
        "包装", "印务", "珠宝", "婚庆", "健身", "软件",
        "网络", "商贸", "进出口贸易", "塑料制品", "阀门", "模具",
        "自动化设备", "生物技术", "广告", "人力资源", "财务咨询",
        "园林", "钢结构", "橡塑", "仪表", "制冷设备",
    ]
)  # fmt: skip
INDUSTRIES = vocabulary(
    ["制造业", "信息技术", "建筑业", "纺织服装", "餐饮住宿", "物流", "教育", "医疗", "批发零售", "文化传媒"]
)
SUFFIXES = vocabulary(["有限公司", "有限责任公司", "股份有限公司", "集团有限公司", "厂", "经营部"])
SUFFIX_WEIGHTS = np.array([0.72, 0.08, 0.06, 0.03, 0.06, 0.05])
LATIN_MARKS = vocabulary(["ABC", "E家", "V视", "K8", "1号", "T3", "D5", "Q萌"])

# city, province, area code, administrative code; the company sits in the first one.
_CITY_ROWS = [
    ("无锡", "江苏", "0510", "320200"), ("苏州", "江苏", "0512", "320500"),
    ("常州", "江苏", "0519", "320400"),
    ("南京", "江苏", "025", "320100"), ("上海", "上海", "021", "310100"), ("南通", "江苏", "0513", "320600"),
    ("杭州", "浙江", "0571", "330100"), ("江阴", "江苏", "0510", "320281"),
    ("宜兴", "江苏", "0510", "320282"),
    ("扬州", "江苏", "0514", "321000"), ("镇江", "江苏", "0511", "321100"),
    ("泰州", "江苏", "0523", "321200"),
    ("宁波", "浙江", "0574", "330200"), ("嘉兴", "浙江", "0573", "330400"),
    ("湖州", "浙江", "0572", "330500"),
    ("合肥", "安徽", "0551", "340100"), ("徐州", "江苏", "0516", "320300"),
    ("盐城", "江苏", "0515", "320900"),
    ("温州", "浙江", "0577", "330300"), ("绍兴", "浙江", "0575", "330600"), ("北京", "北京", "010", "110100"),
    ("广州", "广东", "020", "440100"), ("深圳", "广东", "0755", "440300"), ("武汉", "湖北", "027", "420100"),
    ("成都", "四川", "028", "510100"), ("济南", "山东", "0531", "370100"), ("青岛", "山东", "0532", "370200"),
    ("郑州", "河南", "0371", "410100"), ("长沙", "湖南", "0731", "430100"), ("西安", "陕西", "029", "610100"),
]  # fmt: skip
CITIES = vocabulary([row[0] for row in _CITY_ROWS])
PROVINCES = vocabulary([row[1] for row in _CITY_ROWS])
AREA_CODES = vocabulary([row[2] for row in _CITY_ROWS])
ADMIN_CODES = np.array([int(row[3]) for row in _CITY_ROWS])
CITY_WEIGHTS = 1.0 / np.arange(1, len(CITIES) + 1) ** 1.1
CITY_WEIGHTS /= CITY_WEIGHTS.sum()
STREETS = vocabulary(
    ["人民路", "解放路", "中山路", "长江路", "太湖大道", "湖滨路",
    "工业园", "建设路", "和平街", "新华路", "科技路",
     "运河西路", "青石路", "梁溪路", "惠山大道", "锡沪路", "学前街", "金融街", "环城北路", "兴业路"]
)  # fmt: skip
MOBILE_PREFIXES = vocabulary(
    ["130", "131", "132", "133", "134", "135", "136", "137",
    "138", "139", "150", "151", "152", "153", "155", "156",
     "157", "158", "159", "166", "173", "176", "177", "178",
     "180", "181", "182", "183", "185", "186", "187", "188",
     "189", "191", "198", "199"]
)  # fmt: skip
# Reserved names only: nobody receives mail there.
MAIL_DOMAINS = vocabulary(
    ["example.com", "example.net", "example.org", "mail.example.com", "vip.example.com"]
)
_SYLLABLES = (
    "wang li zhang liu chen yang zhao huang zhou wu xu sun hu zhu gao lin he guo ma luo liang song zh"
    "eng xie han tang "
    "feng yu dong xiao cheng cao yuan deng xue fu shen zeng peng lu su jiang cai jia ding wei xin hua"
    " lan mei yun tao"
)
PINYIN = vocabulary(_SYLLABLES.split())

DEPARTMENTS = vocabulary(["销售部", "销售部", "销售部", "网络部", "制作部", "客服部", "财务部", "行政部"])
POSTS = vocabulary(["销售经理", "客户经理", "业务员", "网络顾问", "导演", "客服专员", "会计", "行政专员"])
COMPETITORS = vocabulary(["云帆网络", "星河传媒", "智推互动", "蓝鲸影视", "万象建站", "极光数字"])

TRADITIONAL = str.maketrans(
    "王张刘陈杨黄赵吴孙马罗郑谢许韩冯邓肖蒋叶苏吕卢钟谭陆龙贺顾钱严汤鲁关兰华飞强伟军杰涛刚辉鹏宁国远泽丽艳"
    "东云锦润万达亿兴丰汇卓领航启锐联众长绿蓝凤麒机电纺织饮装饰疗传业学园贸进环设备无苏常镇扬广汉济岛郑长沙"
    "厂责总经理乐龚颜庞闫鲍齐乔财发书图银紫网络诚创晓红轩鸣宝珠门钢结构",
    "王張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧肖蔣葉蘇呂盧鐘譚陸龍賀顧錢嚴湯魯關蘭華飛強偉軍傑濤剛輝鵬寧國遠澤麗豔"
    "東雲錦潤萬達億興豐匯卓領航啟銳聯眾長綠藍鳳麒機電紡織飲裝飾療傳業學園貿進環設備無蘇常鎮揚廣漢濟島鄭長沙"
    "廠責總經理樂龔顏龐閆鮑齊喬財發書圖銀紫網絡誠創曉紅軒鳴寶珠門鋼結構",
)
FULL_WIDTH = str.maketrans(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-",
    "０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ－",
)

# CRM: kind code (1 site, 2 search promotion, 3 domain, 4 hosting, 5 mailbox) -> name and yearly price, yuan.
CONTRACT_KINDS = vocabulary(["网站建设", "搜索推广", "域名服务", "虚拟主机", "企业邮箱"])
CONTRACT_PRICES = np.array([5800, 9600, 180, 1600, 1300])
CONTRACT_ADDONS = vocabulary(["网站维护", "关键词优化", "域名证书", "主机扩容", "邮箱扩容"])

# ERP goods: name, category, list price in yuan.
_MATERIAL_ROWS = [
    ("婚纱相册", 0, 1280), ("儿童相册", 0, 880), ("情侣相册", 0, 980),
    ("毕业纪念册", 0, 680), ("全家福摄影", 0, 1580),
    ("微电影拍摄", 1, 12800), ("婚礼跟拍", 1, 3800), ("企业宣传片", 1, 22800), ("专题片制作", 1, 18800),
    ("产品短视频", 1, 4600), ("主题曲创作", 2, 9800), ("配乐录音", 2, 2600), ("广告配音", 2, 1200),
    ("画册设计", 3, 3600), ("LOGO设计", 3, 2800), ("海报设计", 3, 900), ("展板制作", 3, 1500),
    ("U盘光盘", 4, 120), ("相框", 4, 260), ("摄影器材租赁", 4, 1800),
    ("活动直播", 1, 6800), ("航拍服务", 1, 3200),
]  # fmt: skip
MATERIALS = vocabulary([row[0] for row in _MATERIAL_ROWS])
MATERIAL_CATEGORY = np.array([row[1] for row in _MATERIAL_ROWS])
MATERIAL_PRICES = np.array([row[2] for row in _MATERIAL_ROWS])
MATERIAL_CATEGORIES = vocabulary(["摄影相册", "影视制作", "音乐音频", "平面设计", "器材商品"])
PURPOSES = vocabulary(
    ["网站续费", "网站建设", "推广", "域名", "宣传片", "邮箱续费", "主机", "微电影", "画册"]
)
THINGS = vocabulary(["相册", "婚礼跟拍", "微电影", "全家福", "儿童照", "主题曲", "毕业册"])
