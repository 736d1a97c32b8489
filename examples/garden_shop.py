"""Make the files of a made-up gardening shop, dirt included: ``python examples/garden_shop.py FOLDER``.

``products.csv`` and ``orders.csv`` are what the first hour with this toolkit is tried on. Customers have tastes,
seasons matter, and some things follow others (seeds, then fertiliser). The files hold what exports hold: orders without
a customer, products that nobody bought, products that are no longer listed, entities and tags in titles, no description
in half of the rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

START = int(datetime(2023, 1, 1, tzinfo=UTC).timestamp())
DAYS = 900


@dataclass(frozen=True)
class Group:
    """A part of the catalogue.

    Attributes:
        category: as the shop writes it.
        things: what is sold.
        sizes: one of them stands in the title.
        months: when it is bought most.
        next: index of the group that is often bought after it.
    """

    category: str
    things: tuple[str, ...]
    sizes: tuple[str, ...]
    months: tuple[int, ...]
    next: int


GROUPS = (
    Group(
        "Seeds > Vegetables",
        ("Tomato Seeds", "Carrot Seeds", "Pumpkin Seeds", "Lettuce Seeds", "Bean Seeds"),
        ("", "50 pcs", "200 pcs"),
        (2, 3, 4),
        4,
    ),
    Group(
        "Seeds > Flowers",
        ("Sunflower Seeds", "Lavender Seeds", "Wildflower Mix", "Poppy Seeds", "Zinnia Seeds"),
        ("", "5 g", "20 g"),
        (3, 4, 5),
        5,
    ),
    Group(
        "Bulbs",
        ("Tulip Bulbs", "Daffodil Bulbs", "Dahlia Tubers", "Crocus Bulbs", "Allium Bulbs"),
        ("10 pcs", "25 pcs", "50 pcs"),
        (9, 10, 11),
        5,
    ),
    Group(
        "Watering",
        ("Garden Hose", "Drip Irrigation Kit", "Sprinkler", "Watering Can", "Rain Barrel"),
        ("10 l", "30 m", "1/2 inch", ""),
        (5, 6, 7),
        3,
    ),
    Group(
        "Soil & Fertiliser",
        ("Tomato Fertiliser", "Compost", "Lawn Fertiliser", "Potting Soil", "Bone Meal"),
        ("2 kg", "10 kg", "40 l"),
        (3, 4, 5),
        6,
    ),
    Group(
        "Pots & Planters",
        ("Terracotta Pot", "Hanging Basket", "Window Box", "Raised Bed", "Plant Stand"),
        ("14 cm", "28 cm", "60 x 40 cm"),
        (4, 5, 6),
        4,
    ),
    Group(
        "Tools > Hand Tools",
        ("Trowel", "Secateurs", "Pruning Saw", "Garden Fork", "Spade", "Weeder"),
        ("", "short", "long handle"),
        (3, 4, 9),
        7,
    ),
    Group(
        "Tools > Machines",
        ("Lawn Mower", "Hedge Trimmer", "Leaf Blower", "Chainsaw", "Pressure Washer"),
        ("18 V", "36 V", "1400 W"),
        (4, 5, 10),
        8,
    ),
    Group(
        "Spare Parts",
        ("Mower Blade", "Trimmer Line", "Saw Chain", "Battery", "Charger"),
        ("18 V", "36 V", "2 pcs"),
        (5, 6, 10),
        7,
    ),
    Group(
        "Wildlife",
        ("Bird Feeder", "Nesting Box", "Bee Hotel", "Hedgehog House", "Suet Balls"),
        ("", "small", "large", "30 pcs"),
        (11, 12, 1),
        9,
    ),
    Group(
        "Lighting",
        ("Solar Lantern", "String Lights", "Path Light", "Torch Light", "Spotlight"),
        ("4 pcs", "10 m", ""),
        (5, 6, 12),
        11,
    ),
    Group(
        "Furniture",
        ("Bench", "Deck Chair", "Parasol", "Hammock", "Picnic Table", "Fire Bowl"),
        ("", "120 cm", "3 m"),
        (5, 6, 7),
        10,
    ),
)
KINDS = (
    "Classic",
    "Organic",
    "Giant",
    "Dwarf",
    "Heavy Duty",
    "Compact",
    "Deluxe",
    "Rustic",
    "Early",
    "Winter",
    "Red",
    "Green",
    "Blue",
    "Copper",
    "Oak",
    "Foldable",
    "Premium",
    "Heritage",
    "Quiet",
    "Lightweight",
)
BRANDS = (
    "Greenhill",
    "Thornwood",
    "Aquaflow",
    "Müller & Söhne",
    "Rootwell",
    "Fern & Finch",
    "Ironbark",
    "Solara",
    "Old Orchard",
    "Meadowlark",
    "",
    "",
)
GROUPS_OF_BRAND = 4


def make_shop(
    customers: int = 3000, products: int = 1500, orders: int = 20_700, seed: int = 0
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The two tables of a shop.

    Args:
        customers: how many; a quarter of them have one order.
        products: how many; a tenth of them is never ordered.
        orders: rows of the first table, about; at least one a customer.
        seed: of all that is random.

    Returns:
        Orders (`order_no`, `customer`, `product`, `ordered_at`, `quantity`, `status`), and products (`product`, `name`,
        `category`, `brand`, `description`, `price`). All text but quantity and price.
    """
    rng = np.random.default_rng(seed)
    groups = rng.integers(len(GROUPS), size=products)
    catalogue = _catalogue(groups, rng)
    log = _orders(groups, customers, orders, rng)
    return _soil_orders(log, catalogue, rng), _soil_products(catalogue, rng)


def _catalogue(groups: npt.NDArray[np.int64], rng: np.random.Generator) -> pl.DataFrame:
    """Products with different names, clean."""
    names: list[str] = []
    brands: list[str] = []
    taken: set[str] = set()
    for group in groups.tolist():
        part = GROUPS[group]
        brand = BRANDS[(group * 3 + int(rng.integers(GROUPS_OF_BRAND))) % len(BRANDS)]
        for attempt in range(1000):
            words = [
                brand if rng.random() < 0.6 else "",
                _one(KINDS, rng),
                _one(part.things, rng),
                _one(part.sizes, rng),
            ]
            name = " ".join(word for word in words if word) + (f" No. {attempt}" if attempt > 50 else "")
            if name not in taken:
                break
        taken.add(name)
        names.append(name)
        brands.append(brand)
    ids = [f"GS-{number:05}" for number in rng.permutation(90_000)[: len(names)] + 10_000]
    return pl.DataFrame(
        {
            "product": ids,
            "name": names,
            "category": [GROUPS[group].category for group in groups.tolist()],
            "brand": brands,
            "price": np.round(rng.lognormal(2.7, 0.9, len(names)), 2),
        }
    )


def _one(words: Sequence[str], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]


def _orders(groups: npt.NDArray[np.int64], customers: int, orders: int, rng: np.random.Generator) -> pl.DataFrame:
    """Who bought which product (by index) on which day; every customer at least once."""
    more = np.where(rng.random(customers) < 0.25, 0.0, rng.lognormal(0.0, 1.0, customers))
    counts = 1 + rng.multinomial(max(0, orders - customers), more / max(more.sum(), 1e-9))
    popular = rng.lognormal(0.0, 1.2, len(groups)) * (rng.random(len(groups)) > 0.1)
    month = np.array([[3.0 if m + 1 in group.months else 0.7 for group in GROUPS] for m in range(12)])
    members = [np.flatnonzero(groups == index) for index in range(len(GROUPS))]
    chance = [popular[one] / popular[one].sum() if popular[one].sum() else None for one in members]
    there = np.array([one is not None for one in chance])
    rows: list[tuple[int, int, int]] = []
    for customer, count in enumerate(counts.tolist()):
        taste = rng.dirichlet(np.full(len(GROUPS), 0.25))
        before: int | None = None
        for day in np.sort(rng.integers(DAYS, size=count)).tolist():
            weights = (taste + 0.01) * month[day // 30 % 12] * there
            if before is not None:
                weights[GROUPS[before].next] += 0.7 * weights.sum() * there[GROUPS[before].next]
            before = int(rng.choice(len(GROUPS), p=weights / weights.sum()))
            rows.append((customer, int(rng.choice(members[before], p=chance[before])), day))
    return pl.DataFrame(rows, schema=["customer", "product", "day"], orient="row")


def _soil_orders(log: pl.DataFrame, catalogue: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Ids and dates as an export writes them, some missing, some of products that are no longer listed."""
    count = log.height
    customers = np.array([f"C{100_000 + 7 * number}" for number in log["customer"].to_list()], dtype=object)
    products = catalogue["product"].to_numpy()[log["product"].to_numpy()].astype(object)
    often = np.bincount(log["customer"].to_numpy())[log["customer"].to_numpy()] > 1
    customers[(rng.random(count) < 0.008) & often] = ""
    products[(rng.random(count) < 0.002) & often] = "NULL"
    gone = (rng.random(count) < 0.004) & often
    products[gone] = [f"OLD-{number}" for number in rng.integers(100, 112, int(gone.sum()))]
    seconds = START + log["day"].to_numpy() * 86_400 + rng.integers(7 * 3600, 23 * 3600, count)
    status = np.where(rng.random(count) < 0.03, "returned", "completed")
    orders = pl.DataFrame(
        {
            "order_no": 1_000_000 + np.argsort(np.argsort(seconds, kind="stable"), kind="stable"),
            "customer": customers.tolist(),
            "product": products.tolist(),
            "ordered_at": pl.Series(seconds).cast(pl.Int64),
            "quantity": 1 + rng.poisson(0.3, count),
            "status": status.tolist(),
        }
    )
    written = pl.from_epoch("ordered_at").dt.strftime("%Y-%m-%d %H:%M:%S")
    return orders.sort("order_no").with_columns(written, pl.col("order_no", "quantity").cast(pl.String))


def _soil_products(catalogue: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Titles with entities and tags, a description in half of the rows, rows twice, two products without a name."""
    count = catalogue.height
    marked = pl.Series(rng.random(count) < 0.04)
    name = pl.col("name").str.replace_all("&", "&amp;", literal=True)
    text = (
        "<p>This <b>"
        + pl.col("name").str.to_lowercase()
        + "</b> is made for "
        + pl.col("category").str.replace(".* > ", "").str.to_lowercase()
        + ".</p>\n<ul><li>Frost-proof</li></ul>"
    )
    products = catalogue.select(
        "product",
        pl.when(marked).then(pl.format("<b>{}</b>&nbsp;", name)).otherwise(name).alias("name"),
        "category",
        pl.when(pl.col("brand") == "").then(pl.lit("n/a")).otherwise(pl.col("brand")).alias("brand"),
        pl.when(pl.Series(rng.random(count) < 0.5)).then(text).otherwise(pl.lit("")).alias("description"),
        pl.col("price").cast(pl.String),
    )
    nameless = pl.int_range(pl.len()).is_in(rng.integers(count, size=min(2, count // 100)).tolist())
    again = products.sample(count // 100, seed=int(rng.integers(2**31)))
    return pl.concat([products.with_columns(pl.when(nameless).then(pl.lit("")).otherwise("name").alias("name")), again])


def main() -> None:
    """Write the two files."""
    parser = argparse.ArgumentParser(description="Make two files of a made-up gardening shop.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--customers", type=int, default=3000)
    parser.add_argument("--products", type=int, default=1500)
    parser.add_argument("--orders", type=int, default=20_700)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    orders, products = make_shop(given.customers, given.products, given.orders, given.seed)
    given.folder.mkdir(parents=True, exist_ok=True)
    orders.write_csv(given.folder / "orders.csv")
    products.write_csv(given.folder / "products.csv")
    print(f"{given.folder}: orders.csv with {orders.height:,} rows, products.csv with {products.height:,} rows")
    print(f"Next: transfer init shop {given.folder}/orders.csv {given.folder}/products.csv")


if __name__ == "__main__":
    main()
