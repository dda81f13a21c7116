"""What the sample shop sells, and which products it sells together (the planted affinities)."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

DEPARTMENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "Women": {
        "Dresses": ("Wrap Dress", "Linen Midi Dress", "Knit Dress", "Shirt Dress"),
        "Tops": ("Silk Blouse", "Ribbed Tee", "Cotton Cardigan", "Striped Top"),
        "Denim": ("Straight Jeans", "Wide Leg Jeans", "Denim Jacket", "Denim Skirt"),
    },
    "Men": {
        "Shirts": ("Oxford Shirt", "Flannel Shirt", "Polo Shirt", "Linen Shirt"),
        "Trousers": ("Slim Chinos", "Corduroy Trousers", "Jogger", "Pleated Trousers"),
        "Outerwear": ("Rain Jacket", "Wool Coat", "Quilted Vest", "Bomber Jacket"),
    },
    "Kids": {
        "Baby": ("Sleep Suit", "Muslin Blanket", "Bib Set", "Knit Hat"),
        "School": ("School Backpack", "Pleated Skirt", "School Polo", "Lunch Box"),
    },
    "Shoes": {
        "Sneakers": ("Canvas Sneaker", "Running Shoe", "Leather Sneaker", "Trail Shoe"),
        "Boots": ("Chelsea Boot", "Rain Boot", "Hiking Boot", "Ankle Boot"),
    },
    "Home": {
        "Kitchen": ("Stoneware Mug", "Pour Over Kettle", "Ground Coffee", "Linen Apron"),
        "Bath": ("Bath Towel", "Hand Soap", "Bath Mat", "Scented Candle"),
        "Bedding": ("Duvet Cover", "Pillow Case", "Wool Throw", "Fitted Sheet"),
    },
    "Accessories": {
        "Bags": ("Leather Tote", "Cross Body Bag", "Weekender", "Card Holder"),
        "Care": ("Shoe Cream", "Wool Wash", "Lint Brush", "Cedar Balls"),
    },
}
COLORS = ("Black", "White", "Navy", "Olive", "Sand", "Rust", "Grey", "Blush")
SIZES = {
    "Women": ("XS", "S", "M", "L", "XL"), "Men": ("S", "M", "L", "XL", "XXL"), "Kids": ("2T", "4", "6", "8",
    "10"),
    "Shoes": ("6", "7", "8", "9", "10", "11"), "Home": ("One Size",), "Accessories": ("One Size",),
}  # fmt: skip
BASE_CENTS = {"Women": 5900, "Men": 5500, "Kids": 2900, "Shoes": 8900, "Home": 2400, "Accessories": 3900}


class Product(NamedTuple):
    """One product; weight is its share of all picks before taste."""

    sku: str
    name: str
    color: str
    department: str
    category: str
    cents: int
    weight: float
    markdown: bool
    slug: str


class Affinity(NamedTuple):
    """A planted habit: baskets that hold *first* get *second* added with *probability*."""

    first: str
    second: str
    probability: float


def _products() -> list[Product]:
    kinds = [
        (department, category, name)
        for department, categories in DEPARTMENTS.items()
        for category, names in categories.items()
        for name in names
    ]
    products = []
    for position, (department, category, name) in enumerate(kinds):
        for variant in range(3):
            number = position * 3 + variant + 1
            color = COLORS[(position + 3 * variant) % len(COLORS)]
            step = (number * 37) % 17
            cents = BASE_CENTS[department] * (60 + 7 * step) // 100 // 100 * 100 + 99
            rank = (number * 53) % (len(kinds) * 3) + 1  # spreads the best sellers over the departments
            slug = f"{name} {color}".lower().replace(" ", "-")
            products.append(
                Product(
                    f"P{number:04d}", f"{name} {color}", color, department, category, cents,
                    1.0 / (rank + 4) ** 0.8, number % 9 == 0, slug,
                )
            )  # fmt: skip
    return products


PRODUCTS = _products()
BY_SKU = {product.sku: product for product in PRODUCTS}
BY_DEPARTMENT = {name: [p for p in PRODUCTS if p.department == name] for name in DEPARTMENTS}
CUMULATED = {name: list(accumulate(p.weight for p in products)) for name, products in BY_DEPARTMENT.items()}
DEPARTMENT_NAMES = tuple(DEPARTMENTS)


def _affinities() -> list[Affinity]:
    """Return twelve pairs: the two best sellers of each department, with partners from elsewhere."""
    pairs = []
    for position, name in enumerate(DEPARTMENT_NAMES):
        best = sorted(BY_DEPARTMENT[name], key=lambda p: (-p.weight, p.sku))
        other = sorted(BY_DEPARTMENT[DEPARTMENT_NAMES[(position + 1) % 6]], key=lambda p: (-p.weight, p.sku))
        same = next(p for p in best[4:] if p.category != best[0].category)
        pairs.append(Affinity(best[0].sku, same.sku, 0.55 - 0.03 * position))
        pairs.append(Affinity(best[1].sku, other[5].sku, 0.45 - 0.02 * position))
    return pairs


AFFINITIES = _affinities()
PARTNERS = {affinity.first: (BY_SKU[affinity.second], affinity.probability) for affinity in AFFINITIES}


def pick(department: str, chance: float) -> Product:
    """Return the product of *department* at *chance* (0 to 1) of its cumulated popularity."""
    cumulated = CUMULATED[department]
    return BY_DEPARTMENT[department][min(bisect_right(cumulated, chance * cumulated[-1]), len(cumulated) - 1)]
