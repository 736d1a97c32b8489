"""Known public data sets: licence, address and loader of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from domains.errors import SettingsError, suggest
from domains.word_lists import words

UCSD = "https://mcauleylab.ucsd.edu/public_datasets"
GROUPLENS = "https://files.grouplens.org/datasets/movielens"
GROUPLENS_TERMS = "GroupLens terms: research only, no redistribution, cite Harper and Konstan 2015"
NO_LICENCE = "no explicit licence: for research, cite the authors, do not redistribute"


@dataclass(frozen=True, kw_only=True)
class PublicData:
    """One public data set, or a family of them.

    Attributes:
        name: name in commands; ``family/Category`` for one category of a family.
        title: what it contains.
        licence: its terms in a few words.
        size: rough size of the download; the server is asked for the exact size before.
        page: its web page.
        loader: name of its loader.
        urls: files to download; empty if it must be downloaded by hand. ``{category}`` is replaced by the category.
        opens: folder that the loader gets, below the data set's folder; ``""`` for that folder itself.
        options: options of a loader that needs several: keys and names of files in the data set's folder.
        by_hand: which files to download by hand, and how.
        categories: categories of a family; empty for a single data set.
    """

    name: str
    title: str
    licence: str
    size: str
    page: str
    loader: str
    urls: tuple[str, ...] = ()
    opens: str = ""
    options: tuple[tuple[str, str], ...] = ()
    by_hand: str = ""
    categories: tuple[str, ...] = ()

    def spec(self, folder: Path) -> str:
        """Return its description for a recipe, if its files are in `folder`; in the short form if there is one."""
        if self.options:
            named = ", ".join(f"{key}: {folder / file}" for key, file in self.options)
            return f"{{loader: {self.loader}, {named}}}"
        return f"{self.loader}:{folder / self.opens if self.opens else folder}"


def known_data() -> tuple[PublicData, ...]:
    """Return all entries, sorted by name; a family is one entry."""
    return tuple(sorted(CATALOGUE, key=lambda entry: entry.name))


def find_data(name: str) -> PublicData:
    """Return the entry of a name; ``family/Category`` gives the entry of that category.

    Raises:
        InputError: the name is unknown, or the category of a family is missing or unknown.
    """
    family, _, category = name.partition("/")
    by_name = {entry.name: entry for entry in CATALOGUE}
    if family not in by_name:
        raise SettingsError(
            f"no public data set is called {family!r}",
            location="data set",
            hint=f"{suggest(family, by_name)}Known: {', '.join(sorted(by_name))}",
            code="public-data",
        )
    entry = by_name[family]
    if not entry.categories and not category:
        return entry
    if category not in entry.categories:
        example = f"; for instance {family}/{entry.categories[0]}" if entry.categories else "; it has no categories"
        raise SettingsError(
            f"{family!r} has no category {category!r}" if category else f"{family!r} needs a category",
            location="data set",
            hint=f"{suggest(category, entry.categories)}Categories: {', '.join(entry.categories) or 'none'}{example}",
            code="public-data",
        )
    urls = tuple(url.replace("{category}", category) for url in entry.urls)
    return replace(entry, name=name, title=f"{entry.title}: {category}", urls=urls, categories=())


def _movielens(edition: str, title: str, size: str) -> PublicData:
    return PublicData(
        name=f"ml-{edition}",
        title=f"MovieLens {title}",
        licence=GROUPLENS_TERMS,
        size=size,
        page="https://grouplens.org/datasets/movielens/",
        loader="movielens",
        urls=(f"{GROUPLENS}/ml-{edition}.zip",),
        opens="ml-10M100K" if edition == "10m" else f"ml-{edition}",
    )


AMAZON_2014 = words(
    """
    Amazon_Instant_Video Apps_for_Android Automotive Baby Beauty Books CDs_and_Vinyl
    Cell_Phones_and_Accessories Clothing_Shoes_and_Jewelry Digital_Music Electronics
    Grocery_and_Gourmet_Food Health_and_Personal_Care Home_and_Kitchen Kindle_Store Movies_and_TV
    Musical_Instruments Office_Products Patio_Lawn_and_Garden Pet_Supplies Sports_and_Outdoors
    Tools_and_Home_Improvement Toys_and_Games Video_Games
    """
)
AMAZON_2018 = words(
    """
    AMAZON_FASHION All_Beauty Appliances Arts_Crafts_and_Sewing Automotive Books CDs_and_Vinyl
    Cell_Phones_and_Accessories Clothing_Shoes_and_Jewelry Digital_Music Electronics Gift_Cards
    Grocery_and_Gourmet_Food Home_and_Kitchen Industrial_and_Scientific Kindle_Store Luxury_Beauty
    Magazine_Subscriptions Movies_and_TV Musical_Instruments Office_Products Patio_Lawn_and_Garden
    Pet_Supplies Prime_Pantry Software Sports_and_Outdoors Tools_and_Home_Improvement
    Toys_and_Games Video_Games
    """
)
AMAZON_2023 = words(
    """
    All_Beauty Amazon_Fashion Appliances Arts_Crafts_and_Sewing Automotive Baby_Products
    Beauty_and_Personal_Care Books CDs_and_Vinyl Cell_Phones_and_Accessories
    Clothing_Shoes_and_Jewelry Digital_Music Electronics Gift_Cards Grocery_and_Gourmet_Food
    Handmade_Products Health_and_Household Health_and_Personal_Care Home_and_Kitchen
    Industrial_and_Scientific Kindle_Store Magazine_Subscriptions Movies_and_TV Musical_Instruments
    Office_Products Patio_Lawn_and_Garden Pet_Supplies Software Sports_and_Outdoors
    Subscription_Boxes Tools_and_Home_Improvement Toys_and_Games Video_Games
    """
)
GOODREADS = words(
    """
    children comics_graphic fantasy_paranormal history_biography mystery_thriller_crime poetry
    romance young_adult
    """
)

CATALOGUE = (
    _movielens("100k", "100K (1998)", "5 MB"),
    _movielens("1m", "1M (2003)", "6 MB"),
    _movielens("10m", "10M (2009)", "66 MB"),
    _movielens("20m", "20M (2015)", "200 MB"),
    _movielens("25m", "25M (2019)", "260 MB"),
    _movielens("32m", "32M (2023)", "240 MB"),
    _movielens("latest-small", "latest, small", "1 MB"),
    PublicData(
        name="movietweetings",
        title="MovieTweetings: ratings of films from Twitter",
        licence="MIT, (c) Simon Dooms, cite Dooms et al. 2013",
        size="30 MB",
        page="https://github.com/sidooms/MovieTweetings",
        loader="movietweetings",
        urls=tuple(
            f"https://raw.githubusercontent.com/sidooms/MovieTweetings/master/latest/{name}.dat"
            for name in ("ratings", "movies")
        ),
    ),
    PublicData(
        name="goodbooks",
        title="goodbooks-10k: ratings of ten thousand books",
        licence="CC BY-SA 4.0, Zygmunt Zajac",
        size="75 MB",
        page="https://github.com/zygmuntz/goodbooks-10k",
        loader="goodbooks",
        urls=tuple(
            f"https://raw.githubusercontent.com/zygmuntz/goodbooks-10k/master/{name}.csv"
            for name in ("ratings", "books")
        ),
    ),
    PublicData(
        name="goodreads",
        title="Goodreads, UCSD Book Graph",
        licence="academic use only, no redistribution, cite Wan and McAuley 2018",
        size="some 100 MB to several GB a genre",
        page="https://cseweb.ucsd.edu/~jmcauley/datasets/goodreads.html",
        loader="goodreads",
        urls=tuple(
            f"{UCSD}/gdrive/goodreads/byGenre/goodreads_{what}_{{category}}.json.gz"
            for what in ("interactions", "books")
        ),
        categories=GOODREADS,
    ),
    PublicData(
        name="amazon2014",
        title="Amazon reviews 2014, 5-core, with metadata",
        licence=NO_LICENCE,
        size="some 10 MB to several GB a category",
        page="https://cseweb.ucsd.edu/~jmcauley/datasets/amazon/links.html",
        loader="amazon2014",
        urls=tuple(
            f"https://snap.stanford.edu/data/amazon/productGraph/categoryFiles/{name}.json.gz"
            for name in ("reviews_{category}_5", "meta_{category}")
        ),
        categories=AMAZON_2014,
    ),
    PublicData(
        name="amazon2018",
        title="Amazon reviews 2018, 5-core, with metadata",
        licence=NO_LICENCE,
        size="some 10 MB to several GB a category",
        page="https://cseweb.ucsd.edu/~jmcauley/datasets/amazon_v2/",
        loader="amazon2018",
        urls=(
            "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_v2/categoryFilesSmall/{category}_5.json.gz",
            "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_v2/metaFiles2/meta_{category}.json.gz",
        ),
        categories=AMAZON_2018,
    ),
    PublicData(
        name="amazon2023",
        title="Amazon reviews 2023, with metadata",
        licence=NO_LICENCE,
        size="some 100 MB to tens of GB a category",
        page="https://amazon-reviews-2023.github.io/",
        loader="amazon2023",
        urls=(
            f"{UCSD}/data/amazon_2023/raw/review_categories/{{category}}.jsonl.gz",
            f"{UCSD}/data/amazon_2023/raw/meta_categories/meta_{{category}}.jsonl.gz",
        ),
        categories=AMAZON_2023,
    ),
    PublicData(
        name="steam",
        title="Steam reviews and games (Kang and McAuley 2018)",
        licence=NO_LICENCE,
        size="1.3 GB",
        page="https://cseweb.ucsd.edu/~jmcauley/datasets.html#steam_data",
        loader="steam",
        urls=tuple(f"https://cseweb.ucsd.edu/~wckang/steam_{name}.json.gz" for name in ("reviews", "games")),
    ),
    PublicData(
        name="bookcrossing",
        title="Book-Crossing (Ziegler et al. 2005), no times",
        licence="free for research when cited",
        size="26 MB",
        page="http://www2.informatik.uni-freiburg.de/~cziegler/BX/",
        loader="bookcrossing",
        urls=("http://www2.informatik.uni-freiburg.de/~cziegler/BX/BX-CSV-Dump.zip",),
    ),
    PublicData(
        name="yelp",
        title="Yelp Open Dataset",
        licence="Yelp's own terms, to be agreed to on its page; academic use",
        size="4 GB",
        page="https://business.yelp.com/data/resources/open-dataset/",
        loader="yelp",
        by_hand="agree to the terms, unpack the archive, keep yelp_academic_dataset_review.json and "
        "yelp_academic_dataset_business.json",
    ),
    PublicData(
        name="mind",
        title="MIND: Microsoft News",
        licence="Microsoft Research License Terms, to be agreed to on its page",
        size="50 MB small, 700 MB large",
        page="https://msnews.github.io/",
        loader="mind",
        opens="MINDsmall_*",
        by_hand="get MINDsmall_train.zip and MINDsmall_dev.zip, unpack each into a folder of its own name",
    ),
    PublicData(
        name="pixelrec",
        title="PixelRec: covers, titles and interactions of a video platform",
        licence="research only, as its page says",
        size="100 MB to several GB without the images",
        page="https://github.com/westlake-repl/PixelRec",
        loader="pixelrec",
        options=(("interactions", "Pixel200K.csv"), ("items", "item_info.csv")),
        by_hand="get an interaction file such as Pixel200K.csv and the item information file item_info.csv",
    ),
    PublicData(
        name="recbole",
        title="RecBole's collection of data sets as atomic files",
        licence="that of each data set",
        size="differs",
        page="https://github.com/RUCAIBox/RecSysDatasets",
        loader="recbole",
        by_hand="follow its links to a data set, keep NAME.inter and NAME.item in a folder",
    ),
)
