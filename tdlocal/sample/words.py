"""Names, places and vocabularies of the sample shop. All people are invented; the order fixes the bytes."""

from __future__ import annotations

from typing import NamedTuple

FEMALE = (
    "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Lisa Nancy Betty Sandra "
    "Ashley Emily "
    "Kimberly Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca Laura Helen Sharon "
    "Cynthia Amy Angela "
    "Shirley Brenda Emma Anna Pamela Nicole Samantha Katherine Christine Olivia Priya Aisha Mei Yuki "
    "Fatima Ingrid "
    "Zoë Chloé Renée Siobhán Núria Agnieszka Mary-Jane Anne-Marie"
).split()
MALE = (
    "James Robert John Michael David William Richard Joseph Thomas Charles Christopher Daniel Matthew "
    "Anthony Mark "
    "Donald Steven Paul Andrew Joshua Kenneth Kevin Brian George Timothy Ronald Jason Edward Jeffrey "
    "Ryan Jacob Gary "
    "Nicholas Eric Jonathan Stephen Larry Justin Scott Brandon Benjamin Samuel Raj Ahmed Wei Hiroshi "
    "Omar Lars José "
    "Björn Łukasz Seán André Jean-Luc"
).split()
LAST = [
    *(
        "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez "
        "Gonzalez Wilson "
        "Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark "
        "Ramirez Lewis "
        "Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson "
        "Baker Hall Rivera "
        "Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards "
        "Collins Reyes Stewart "
        "Morris Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed Kelly "
        "Howard Ramos Kim "
        "Cox Ward Richardson Watson Brooks Chavez Wood James Bennett Gray Mendoza Ruiz Hughes Price "
        "Alvarez Castillo "
        "Sanders Patel Myers Long Ross Foster Jimenez Khan Chen Tanaka Kowalski Novak Rossi Dubois "
        "Schmidt Hansen"
    ).split(),
    "O'Neil", "McDonald", "MacLeod", "van der Berg", "de la Cruz", "Álvarez", "Müller", "Sørensen",
    "Smith-Jones", "D'Angelo",
]  # fmt: skip
NICKNAMES = {
    "Elizabeth": "Liz", "Jennifer": "Jen", "Katherine": "Kate", "Patricia": "Pat", "Samantha": "Sam",
    "Rebecca": "Becky",
    "Robert": "Bob", "William": "Bill", "Michael": "Mike", "Richard": "Rick", "Thomas": "Tom",
    "Christopher": "Chris",
    "Daniel": "Dan", "Matthew": "Matt", "Anthony": "Tony", "Joseph": "Joe", "James": "Jim", "Edward": "Ed",
}  # fmt: skip


class City(NamedTuple):
    """A place: utc_hours is the winter offset of its clock, areas its telephone area codes."""

    name: str
    state: str
    state_name: str
    country: str
    zip_prefix: str
    utc_hours: int
    areas: tuple[str, ...]


def _us(line: str) -> City:
    name, state, state_name, prefix, hours, areas = line.split("|")
    return City(name, state, state_name, "US", prefix, int(hours), tuple(areas.split()))


CITIES = [
    *(
        _us(line)
        for line in (
            "New York|NY|New York|100|-5|212 646 917",
            "Brooklyn|NY|New York|112|-5|718 347 929",
            "Buffalo|NY|New York|142|-5|716",
            "Boston|MA|Massachusetts|021|-5|617 857",
            "Worcester|MA|Massachusetts|016|-5|508 774",
            "Hartford|CT|Connecticut|061|-5|860 959",
            "Newark|NJ|New Jersey|071|-5|973 862",
            "Philadelphia|PA|Pennsylvania|191|-5|215 267",
            "Pittsburgh|PA|Pennsylvania|152|-5|412 878",
            "Baltimore|MD|Maryland|212|-5|410 443",
            "Richmond|VA|Virginia|232|-5|804",
            "Charlotte|NC|North Carolina|282|-5|704 980",
            "Atlanta|GA|Georgia|303|-5|404 470 678",
            "Miami|FL|Florida|331|-5|305 786",
            "Orlando|FL|Florida|328|-5|407 321",
            "Columbus|OH|Ohio|432|-5|614",
            "Detroit|MI|Michigan|482|-5|313",
            "Chicago|IL|Illinois|606|-6|312 773 872",
            "Minneapolis|MN|Minnesota|554|-6|612",
            "St. Louis|MO|Missouri|631|-6|314",
            "Nashville|TN|Tennessee|372|-6|615 629",
            "New Orleans|LA|Louisiana|701|-6|504",
            "Dallas|TX|Texas|752|-6|214 469 972",
            "Houston|TX|Texas|770|-6|281 713 832",
            "Austin|TX|Texas|787|-6|512 737",
            "Denver|CO|Colorado|802|-7|303 720",
            "Salt Lake City|UT|Utah|841|-7|385 801",
            "Phoenix|AZ|Arizona|850|-7|480 602 623",
            "Las Vegas|NV|Nevada|891|-8|702 725",
            "Los Angeles|CA|California|900|-8|213 310 323",
            "San Diego|CA|California|921|-8|619 858",
            "San Francisco|CA|California|941|-8|415 628",
            "Sacramento|CA|California|958|-8|916",
            "Portland|OR|Oregon|972|-8|503 971",
            "Seattle|WA|Washington|981|-8|206",
            "Honolulu|HI|Hawaii|968|-10|808",
        )
    ),
    City("Toronto", "ON", "Ontario", "CA", "M5V", -5, ("416", "647")),
    City("Vancouver", "BC", "British Columbia", "CA", "V6B", -8, ("604", "778")),
    City("London", "", "", "GB", "SW1A", 0, ("7400",)),
    City("Manchester", "", "", "GB", "M1", 0, ("7401",)),
]
STREETS = (
    "Main Oak Maple Cedar Pine Elm Washington Lake Hill Park View Walnut Spring Sunset Church "
    "Highland Lincoln Jackson "
    "Franklin River Meadow Forest Jefferson Madison Chestnut Mill Center Adams Willow Prospect Ridge "
    "Spruce Cherry "
    "Broad College Union Garden Liberty Summit Harbor"
).split()
STREET_TYPES = (  # long form, short form
    ("Street", "St"), ("Avenue", "Ave"), ("Road", "Rd"), ("Boulevard", "Blvd"), ("Drive", "Dr"), ("Lane",
    "Ln"),
    ("Court", "Ct"), ("Place", "Pl"),
)  # fmt: skip
MAIL_HOSTS = (
    "gmail.com", "gmail.com", "gmail.com", "gmail.com", "yahoo.com", "yahoo.com", "outlook.com",
    "hotmail.com",
    "icloud.com", "aol.com", "comcast.net", "proton.me", "live.co.uk", "example.photography",
)  # fmt: skip
HOST_TYPING_ERRORS = {
    "gmail.com": ("gmial.com", "gmai.com", "gmail.con", "gmail,com"),
    "yahoo.com": ("yaho.com", "yahoo.con"),
    "hotmail.com": ("hotmial.com", "hotmail.co"),
}
JUNK_EMAILS = (
    "test@test.com", "none@none.com", "noemail@noemail.com", "n/a", "NA", "none", "no@email",
    "customer@store.com",
    "asdf@asdf", "@gmail.com", "-", "unknown", "null", "refused@pos.local", "a@b.c",
    "donotreply@sampleshop.example",
)  # fmt: skip
JUNK_PHONES = (
    "000-000-0000",
    "0000000000",
    "111-111-1111",
    "999-999-9999",
    "1234567890",
    "n/a",
    "none",
    "-",
    "555",
    "0",
)
JUNK_CUSTOMERS = ("0", "GUEST", "guest", "N/A", "null", "-1", "99999999")
PLACEHOLDERS = ("", " ", "null", "N/A", "none", "-", "unknown")
STORE_CITIES = (0, 3, 7, 12, 13, 17, 22, 24, 25, 29, 31, 34)  # positions in CITIES: stores S001 to S012
USER_AGENTS = (  # platform, system, system version, browser, browser version, screen, the whole header
    ("Win32", "Windows 10", "10.0", "Chrome", "126.0", "1920x1080",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/126.0.0.0 Safari/537.36"),
    ("MacIntel", "Mac OS X", "10.15.7", "Safari", "17.5", "1440x900",
     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/17.5 Safari/605.1.15"),
    ("iPhone", "iOS", "17.5.1", "Mobile Safari", "17.5", "390x844",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/17.5 Mobile/15E148 Safari/604.1"),
    ("Linux armv8l", "Android", "14", "Chrome Mobile", "126.0", "412x915",
     "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/126.0.0.0 Mobile Safari/537.36"),
    ("Win32", "Windows 10", "10.0", "Firefox", "127.0", "1536x864",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"),
)  # fmt: skip
BOT_AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
)
PHONES = (  # brand, maker, model, family, system
    ("Apple", "Apple", "iPhone15,2", "Apple iPhone", "ios"),
    ("Apple", "Apple", "iPhone16,1", "Apple iPhone", "ios"),
    ("Apple", "Apple", "iPad13,4", "Apple iPad", "ios"),
    ("samsung", "samsung", "SM-S911U", "Samsung Galaxy Phone", "android"),
    ("google", "Google", "Pixel 8", "Google Phone", "android"),
    ("motorola", "motorola", "moto g power", "Motorola Phone", "android"),
)
CARRIERS = ("Verizon", "AT&T", "T-Mobile", "", "US Cellular")
