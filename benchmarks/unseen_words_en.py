"""The words of the unseen English customers: none of them is taken from a real list of customers."""

from __future__ import annotations

NICKNAMES = {
    "Robert": ("Bob", "Rob", "Bobby"), "William": ("Bill", "Will"), "Elizabeth": ("Liz", "Beth", "Betty"),
    "Margaret": ("Peggy", "Maggie"), "Richard": ("Dick", "Rick"), "James": ("Jim", "Jamie"),
    "John": ("Jack",), "Katherine": ("Kate", "Kathy"), "Michael": ("Mike", "Mick"), "Thomas": ("Tom",),
    "Charles": ("Charlie", "Chuck"), "Joseph": ("Joe",), "David": ("Dave",), "Daniel": ("Dan", "Danny"),
    "Christopher": ("Chris",), "Patricia": ("Pat",), "Jennifer": ("Jen", "Jenny"), "Susan": ("Sue",),
    "Rebecca": ("Becky",), "Deborah": ("Debbie",), "Edward": ("Ed", "Ted"), "Anthony": ("Tony",),
    "Andrew": ("Andy", "Drew"), "Alexander": ("Alex",), "Victoria": ("Vicky",), "Samuel": ("Sam",),
    "Benjamin": ("Ben",), "Nicholas": ("Nick",), "Stephen": ("Steve",), "Timothy": ("Tim",),
    "Matthew": ("Matt",), "Gregory": ("Greg",), "Abigail": ("Abby",), "Jessica": ("Jess",),
}  # fmt: skip
PLAIN = (
    "Laura", "Emma", "Sarah", "Alice", "Ruth", "Helen", "Claire", "Nora", "Grace", "Hannah", "Peter",
    "Paul", "Mark", "Brian", "Kevin", "Neil", "Simon", "Colin", "Adam", "Oscar", "Ivan", "Omar", "Priya",
    "Aisha", "Mei", "Sofia", "Diego", "Lars", "Ingrid", "Owen", "Rhys", "Fiona", "Moira", "Declan",
    "Siobhan", "Tara", "Gavin", "Leon", "Marcus", "Naomi",
)  # fmt: skip
SURNAMES = (
    "Smith", "Jones", "Taylor", "Brown", "Wilson", "Evans", "Walker", "Wright", "Robinson", "Thompson",
    "White", "Hughes", "Edwards", "Green", "Lewis", "Wood", "Harris", "Martin", "Jackson", "Clarke",
    "Turner", "Hill", "Cooper", "Ward", "Moore", "O'Brien", "O'Connor", "McDonald", "MacLeod", "Fitzgerald",
    "Patel", "Singh", "Khan", "Nguyen", "Garcia", "Martinez", "Lopez", "Kowalski", "Novak", "Schneider",
    "Hoffmann", "Larsen", "Johansson", "Rossi", "Bianchi", "Dubois", "Lefevre", "Van Dijk", "Okafor",
    "Mensah", "Abbott", "Barlow", "Cartwright", "Dunmore", "Ellsworth", "Fairbanks", "Goodwin",
    "Hargreaves", "Ingham", "Jessop", "Kirkland", "Langley", "Merriweather", "Nettleton", "Oakley",
    "Pemberton", "Quigley", "Rowntree", "Stanhope", "Thistlewood", "Underhill", "Vickers", "Whitcombe",
    "Yardley", "Ashdown", "Birtwistle", "Crabtree",
)  # fmt: skip
# Town, area code, post code.
TOWNS = (
    ("Bristol", "0117", "BS"), ("Leeds", "0113", "LS"), ("York", "01904", "YO"), ("Cardiff", "029", "CF"),
    ("Glasgow", "0141", "G"), ("Norwich", "01603", "NR"), ("Exeter", "01392", "EX"),
    ("Derby", "01332", "DE"), ("Swansea", "01792", "SA"), ("Perth", "01738", "PH"),
    ("Lincoln", "01522", "LN"), ("Durham", "0191", "DH"), ("Reading", "0118", "RG"),
    ("Luton", "01582", "LU"),
)  # fmt: skip
STREETS = (
    "High Street", "Station Road", "Church Lane", "Mill Road", "Park Avenue", "Victoria Road", "Green Lane",
    "Manor Drive", "Queens Terrace", "Springfield Close", "Chapel Street", "Orchard Way", "Kings Road",
    "The Crescent", "Bridge Street",
)  # fmt: skip
SHORT_STREETS = (
    ("Street", "St"), ("Road", "Rd"), ("Lane", "Ln"), ("Avenue", "Ave"), ("Drive", "Dr"), ("Close", "Cl"),
)  # fmt: skip
FIRST = (
    "Northern", "Apex", "Summit", "Blue", "Harbour", "Granite", "Silver", "Oak", "Beacon", "Falcon",
    "Atlas", "Pioneer", "Sterling", "Crown", "Meridian", "Willow", "Quantum", "Vertex", "Cobalt", "Amber",
    "Lighthouse", "Redwood", "Stonebridge", "Kestrel",
)  # fmt: skip
SECOND = (
    "Valley", "Point", "Bay", "Field", "Ridge", "Gate", "River", "Star", "Peak", "Wave", "Forge", "Anchor",
    "Bell", "Tower",
)  # fmt: skip
TRADES = (
    "Engineering", "Logistics", "Foods", "Textiles", "Software", "Consulting", "Plastics", "Motors",
    "Joinery", "Printing", "Catering", "Electrical", "Packaging", "Design", "Roofing", "Dental Supplies",
    "Travel", "Fabrication",
)  # fmt: skip
FORMS = (
    "Ltd", "Limited", "PLC", "LLP", "Inc", "Co. Ltd", "LLC", "Corporation",
)  # fmt: skip
SAME_FORMS = {
    "Ltd": "Limited", "Limited": "Ltd.", "Inc": "Incorporated", "Co. Ltd": "Company Limited",
    "LLC": "L.L.C.", "Corporation": "Corp.", "PLC": "plc", "LLP": "LLP",
}  # fmt: skip
NO_NAMES = (
    "Test", "N/A", "Unknown", "Customer", "xxx", "Guest", "-", "Account Closed",
)  # fmt: skip
NO_NUMBERS = (
    "0000000000", "1234567890", "07777777777", "n/a", "9999999999",
)  # fmt: skip
NO_MAILS = (
    "none@none.example", "noemail", "test@test.example", "n/a",
)  # fmt: skip
# Put together: Ashworth, Hollingley; Veltorix, Zandiq.
SURNAME_STEMS = (
    "Ash", "Brad", "Cald", "Dun", "Elling", "Farn", "Green", "Hal", "Hather", "Holling", "Kemp", "Lang",
    "Mans", "Nor", "Oak", "Pen", "Rad", "Sed", "Shel", "Stan", "Thorn", "Wake", "Warr", "West", "Whit",
    "Wool", "Wren",
)  # fmt: skip
SURNAME_ENDS = (
    "worth", "ley", "field", "ton", "more", "by", "combe", "stead", "wick", "ford", "den", "bourne", "hurst",
    "shaw", "man", "ridge", "wood", "gate",
)  # fmt: skip
BRAND_SOUNDS = (
    "vel", "tor", "zan", "qui", "mar", "lex", "nov", "dra", "fen", "gal", "hyd", "ion", "jun", "kor", "lum",
    "myr", "oct", "pra", "rho", "syn", "tav", "umb", "vor", "wex", "yar", "zel", "bri", "cro", "delt", "ech",
)  # fmt: skip
