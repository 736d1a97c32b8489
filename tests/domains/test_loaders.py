"""Each loader on a small file in exactly the published format."""

from __future__ import annotations

import gzip
import json

import polars as pl
import pyarrow as pa
import pytest
from refusals import refusal

from domains.loaders.loader import find_loader, loader_names
from domains.open_domain import open_domain, parse_spec

ALL = {"min_user_interactions": 0, "min_item_interactions": 0}


def read(spec, **prepare):
    """Open without any core; the domain and what each user did, as titles."""
    domain = open_domain(parse_spec({**spec, "prepare": {**ALL, **prepare}})).domain
    told = {user: domain.titles_of(domain.history(index)) for index, user in enumerate(domain.user_ids.to_pylist())}
    return domain, told


def categories(domain):
    return dict(zip(domain.item_ids.to_pylist(), domain.categories.to_pylist(), strict=True))


def texts(domain):
    """The text fields by item."""
    columns = {name: values.to_pylist() for name, values in domain.texts.items()}
    ids = domain.item_ids.to_pylist()
    return {
        item: {name: values[row] for name, values in columns.items() if values[row]} for row, item in enumerate(ids)
    }


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode(encoding)
    with pa.output_stream(str(path), compression={".gz": "gzip", ".zst": "zstd"}.get(path.suffix)) as stream:
        stream.write(data)


def json_lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def review(user, item, time):
    return {
        "overall": 5.0,
        "verified": True,
        "reviewTime": "09 1, 2016",
        "reviewerID": user,
        "asin": item,
        "style": {"Color:": " Blue"},
        "reviewerName": "R\nS",
        "reviewText": "nice \u2028 one",
        "unixReviewTime": time,
    }


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_amazon_2014(tmp_path, ending):
    write(
        tmp_path / f"reviews_Toys_and_Games_5.json{ending}",
        json_lines(
            review("A1", "0001", 1400000200),
            review("A1", "0002", 1400000100),
            review("A2", "0002", 1400000000),
        ),
    )
    write(
        tmp_path / f"meta_Toys_and_Games.json{ending}",
        "{'asin': '0001', 'salesRank': {'Toys & Games': 3}, 'imUrl': 'http://x/y.jpg', "
        "'categories': [['Toys & Games', 'Games'], ['Toys & Games', 'Puzzles']], 'title': "
        '"Rubik\'s Cube &amp; Stand"}\n'
        "{'asin': '0002', 'price': 3.5, 'related': {'also_bought': ['0001']}, 'title': 'Caf\\xe9 Set', "
        "'brand': 'Tefal', 'description': 'For <b>two</b>, or more'}\n",
    )
    domain, told = read({"loader": "amazon2014", "folder": str(tmp_path)})
    assert told == {"A1": ["Café Set", "Rubik's Cube & Stand"], "A2": ["Café Set"]}
    assert categories(domain) == {"0001": ["Toys & Games", "Games", "Puzzles"], "0002": []}
    assert texts(domain) == {"0001": {}, "0002": {"brand": ["Tefal"], "description": ["For two , or more"]}}
    assert domain.times.tolist() == [1400000100, 1400000200, 1400000000]
    assert domain.time_kind == "timestamp"
    assert domain.name == "Toys_and_Games"


def test_amazon_2014_ratings_only(tmp_path):
    write(tmp_path / "ratings_Toys.csv", "A1,0001,5.0,1400000200\nA2,0002,1.0,1400000000\n")
    write(tmp_path / "meta_Toys.json.gz", "{'asin': '0001', 'title': 'One'}\n{'asin': '0002', 'title': 'Two'}\n")
    _, told = read({"loader": "amazon2014", "folder": str(tmp_path)})
    assert told == {"A1": ["One"], "A2": ["Two"]}


def test_amazon_2014_names_the_bad_line_and_runs_nothing(tmp_path):
    write(tmp_path / "ratings_Toys.csv", "A1,0001,5.0,1400000200\n")
    write(tmp_path / "meta_Toys.json", "{'asin': '0001', 'title': 'One'}\n\n__import__('os').abort()\n")
    with refusal("line", "meta_Toys.json, line 3"):
        read({"loader": "amazon2014", "folder": str(tmp_path)})


def test_a_truncated_file_of_zstandard_is_told_by_its_line(tmp_path):
    write(tmp_path / "ratings.csv", "B1,B1,5.0,1400000200\n")
    whole = tmp_path / "meta_Toys.json.zst"
    write(whole, "".join(f"{{'asin': 'B{n}', 'title': 'T {n * 7919 % 65537}'}}\n" for n in range(30_000)))
    whole.write_bytes(whole.read_bytes()[:-2000])
    with refusal("breaks-off", "meta_Toys.json.zst, after line"):
        read({"loader": "amazon2014", "folder": str(tmp_path), "reviews": str(tmp_path / "ratings.csv")})


@pytest.mark.parametrize(
    ("loader", "code", "about"),
    [("amazon2014", "breaks-off", "after line"), ("amazon2018", "line", "amazon2014")],
)
def test_truncated_metadata_and_those_of_another_edition(tmp_path, loader, code, about):
    write(tmp_path / "ratings.csv", "B1,B1,5.0,1400000200\n")
    lines = "".join(f"{{'asin': 'B{n}', 'title': 'T {n * 7919 % 65537}'}}\n" for n in range(3000))
    (tmp_path / "meta_Toys.json.gz").write_bytes(gzip.compress(lines.encode())[:-2000])
    files = {"reviews": str(tmp_path / "ratings.csv"), "metadata": str(tmp_path / "meta_Toys.json.gz")}
    with refusal(code, "meta_Toys.json.gz", about=about):
        read({"loader": loader, **files})


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_amazon_2018(tmp_path, ending):
    write(
        tmp_path / f"Video_Games.json{ending}",
        json_lines(review("A1", "B1", 1400000200), review("A1", "B2", 1400000100), review("A2", "B3", 1400000000)),
    )
    write(
        tmp_path / f"meta_Video_Games.json{ending}",
        json_lines(
            {
                "category": ["Video Games", "PC"],
                "tech1": "",
                "title": "Half-Life&nbsp;2 <b>New</b>",
                "asin": "B1",
                "brand": "by\n    \n    Valve",
                "description": ["A crowbar", "", "and aliens"],
                "feature": ["<span>Single player</span>"],
            },
            {"category": [], "title": "Tom &amp; Jerry", "asin": "B2", "brand": "Visit Amazon's Tom Page"},
            {"category": "", "title": "var aPageStart = (new Date()).getTime();", "asin": "B3"},
        ),
    )
    domain, told = read({"loader": "amazon2018", "folder": str(tmp_path)}, missing_titles="keep")
    assert told == {"A1": ["Tom & Jerry", "Half-Life 2 New"], "A2": [""]}
    assert categories(domain) == {"B1": ["Video Games", "PC"], "B2": [], "B3": []}
    assert texts(domain) == {
        "B1": {"brand": ["Valve"], "description": ["A crowbar", "and aliens"], "features": ["Single player"]},
        "B2": {"brand": ["Tom"]},
        "B3": {},
    }


def test_amazon_2018_ratings_put_the_item_first(tmp_path):
    write(tmp_path / "Video_Games.csv", "B1,A1,5.0,1400000200\n")
    write(tmp_path / "meta_Video_Games.json.gz", json_lines({"asin": "B1", "title": "One", "category": []}))
    domain, told = read({"loader": "amazon2018", "folder": str(tmp_path)})
    assert told == {"A1": ["One"]}
    assert domain.item_ids.to_pylist() == ["B1"]


def meta_2023(item, title):
    return {
        "main_category": "All Beauty",
        "title": title,
        "categories": ["Hair"],
        "details": {"Brand": "x"},
        "store": "Garnier",
        "features": ["Soft"],
        "description": [],
        "parent_asin": item,
    }


def test_amazon_2023_local(tmp_path):
    rows = [("U1", "P1", 1588687728923), ("U1", "P2", 1588687728922)]
    reviews = [
        {
            "rating": 5.0,
            "title": "Good",
            "text": "t",
            "images": [],
            "asin": "X",
            "parent_asin": p,
            "user_id": u,
            "timestamp": t,
        }
        for u, p, t in rows
    ]
    write(tmp_path / "All_Beauty.jsonl.gz", json_lines(*reviews))
    write(tmp_path / "meta_All_Beauty.jsonl.gz", json_lines(meta_2023("P1", "One"), meta_2023("P2", "Two")))
    domain, told = read({"loader": "amazon2023", "folder": str(tmp_path)})
    assert told == {"U1": ["Two", "One"]}  # a millisecond apart
    assert domain.times.tolist() == [1588687728, 1588687728]
    assert categories(domain) == {"P1": ["Hair"], "P2": ["Hair"]}
    assert texts(domain)["P1"] == {"brand": ["Garnier"], "features": ["Soft"]}


def test_amazon_2023_parts_of_a_split_by_glob(tmp_path):
    head = "user_id,parent_asin,rating,timestamp\n"
    write(tmp_path / "All_Beauty.train.csv", head + "U1,P1,5.0,1588687728000\n")
    write(tmp_path / "All_Beauty.test.csv", head + "U1,P2,5.0,1588687729000\n")
    write(tmp_path / "meta_All_Beauty.jsonl", json_lines(meta_2023("P1", "One"), meta_2023("P2", "Two")))
    spec = {
        "loader": "amazon2023",
        "reviews": str(tmp_path / "All_Beauty.*.csv"),
        "metadata": str(tmp_path / "meta_All_Beauty.jsonl"),
    }
    assert read(spec)[1] == {"U1": ["One", "Two"]}


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "hub-cache"))


@pytest.mark.usefixtures("hub_cache")
def test_amazon_2023_published_layout_through_datasets(tmp_path):
    head = "user_id,parent_asin,rating,timestamp\n"
    for part, row in {
        "train": "U1,P1,5.0,1588687728000",
        "valid": "U1,P2,5.0,1588687729000",
        "test": "U1,P3,1.0,1588687730000",
    }.items():
        write(tmp_path / "hub/benchmark/5core/last_out" / f"All_Beauty.{part}.csv", f"{head}{row}\n")
    reviews = [{"user_id": "U2", "parent_asin": "P1", "timestamp": 1588687728000, "rating": 1.0}]
    write(tmp_path / "hub/raw/review_categories/All_Beauty.jsonl", json_lines(*reviews))
    (tmp_path / "hub/raw_meta_All_Beauty").mkdir()
    items = pl.DataFrame([meta_2023(f"P{n}", f"Title {n}") for n in (1, 2, 3)])
    items.write_parquet(tmp_path / "hub/raw_meta_All_Beauty/full-00000-of-00001.parquet")
    spec = {"loader": "amazon2023", "category": "All_Beauty", "root": str(tmp_path / "hub")}
    domain, told = read({**spec, "subset": "5core_last_out"})
    assert told == {"U1": ["Title 1", "Title 2", "Title 3"]}
    assert texts(domain)["P3"] == {"brand": ["Garnier"], "features": ["Soft"]}
    assert read(spec)[1] == {"U2": ["Title 1"]}


@pytest.mark.usefixtures("hub_cache")
def test_hugging_face_by_column_mapping(tmp_path):
    write(tmp_path / "acts.csv", "who,what,when\nu1,7,1400000000\nu1,8,1400000001\n")
    pl.DataFrame({"what": ["7", "8"], "called": ["Seven", "Eight"]}).write_parquet(tmp_path / "things.parquet")
    spec = {
        "loader": "huggingface",
        "interactions": {"dataset": "csv", "data_files": [str(tmp_path / "acts.csv")]},
        "items": {"dataset": "parquet", "data_files": [str(tmp_path / "things.parquet")]},
        "columns": {"user": "who", "item": "what", "time": "when", "title": "called"},
    }
    assert read(spec)[1] == {"u1": ["Seven", "Eight"]}


@pytest.mark.usefixtures("hub_cache")
def test_hugging_face_one_table_for_both(tmp_path):
    write(
        tmp_path / "all.jsonl",
        json_lines(*[{"user_id": u, "item_id": "a", "title": "A", "timestamp": 1} for u in "xyz"]),
    )
    spec = {
        "loader": "huggingface",
        "interactions": {"dataset": "json", "data_files": [str(tmp_path / "all.jsonl")]},
    }
    assert read(spec)[1] == {"x": ["A"], "y": ["A"], "z": ["A"]}


@pytest.mark.usefixtures("hub_cache")
def test_hugging_face_part_of_a_split(tmp_path):
    rows = [{"user_id": "u", "item_id": "abcd"[n], "title": "ABCD"[n], "timestamp": n} for n in range(4)]
    write(tmp_path / "all.jsonl", json_lines(*rows))
    table = {"dataset": "json", "data_files": [str(tmp_path / "all.jsonl")], "split": "train[1:3]"}
    assert read({"loader": "huggingface", "interactions": table})[1] == {"u": ["B", "C"]}


@pytest.mark.usefixtures("hub_cache")
def test_hugging_face_by_id_alone(tmp_path):
    write(tmp_path / "table" / "train.jsonl", json_lines({"user_id": "u", "item_id": 1, "title": "A", "timestamp": 1}))
    table = str(tmp_path / "table")
    assert read({"loader": "huggingface", "interactions": table})[1] == {"u": ["A"]}
    assert parse_spec(f"huggingface:{table}").options == {"interactions": table}


@pytest.mark.usefixtures("hub_cache")
def test_hugging_face_says_what_it_could_not_load(tmp_path):
    spec = {
        "loader": "huggingface",
        "interactions": {"dataset": "csv", "data_files": [str(tmp_path / "gone.csv")]},
    }
    with refusal("download", "gone.csv"):
        read(spec)


def test_a_network_that_fails_in_its_own_way_is_told(monkeypatch):
    datasets = pytest.importorskip("datasets")

    class ConnectError(Exception):
        pass

    def fail(*_args, **_kwargs):
        raise ConnectError("Name or service not known")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with refusal("download", "data set", about="All_Beauty.train.csv"):
        read({"loader": "amazon2023", "category": "All_Beauty", "subset": "5core_last_out"})


def test_movielens_100k(tmp_path):
    write(tmp_path / "u.data", "196\t242\t3\t881250949\n196\t302\t3\t881250948\n")
    flags = {"242": [5, 8], "302": []}
    lines = [
        "|".join(
            [
                item,
                title,
                "24-Jan-1997",
                "",
                "http://us.imdb.com/M/x",
                *("1" if n in flags[item] else "0" for n in range(19)),
            ]
        )
        for item, title in {
            "242": "Cité des enfants perdus, La (1995)",
            "302": "L.A. Confidential (1997)",
        }.items()
    ]
    write(tmp_path / "u.item", "\n".join(lines) + "\n", "latin-1")
    domain, told = read({"loader": "movielens", "folder": str(tmp_path)})
    assert told == {"196": ["L.A. Confidential (1997)", "La Cité des enfants perdus (1995)"]}
    assert categories(domain) == {"242": ["Comedy", "Drama"], "302": []}


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_movielens_1m_and_10m(tmp_path, encoding):
    write(tmp_path / "ml/ratings.dat", "1::1193::5::978300760\n1::661::3::978302109\n")
    write(
        tmp_path / "ml/movies.dat",
        "1193::Misérables, Les (1995)::Drama|Musical\n661::Matrix, The (1999)::Action\n",
        encoding,
    )
    domain, told = read({"loader": "movielens", "folder": str(tmp_path / "ml")})
    assert told == {"1": ["Les Misérables (1995)", "The Matrix (1999)"]}
    assert categories(domain) == {"1193": ["Drama", "Musical"], "661": ["Action"]}
    assert domain.name == "ml"


@pytest.mark.parametrize("inner", ["", "ml-1m/"])
def test_movielens_as_it_is_packed(tmp_path, inner):
    write(tmp_path / "data" / inner / "ratings.dat.gz", "1::7::5::978300760\n")
    write(tmp_path / "data" / inner / "movies.dat.zst", "7::Misérables, Les (1995)::Drama\n", "latin-1")
    domain, told = read({"loader": "movielens", "folder": str(tmp_path / "data")})
    assert told == {"1": ["Les Misérables (1995)"]}
    assert domain.name == (inner or "data/").rstrip("/")


def test_a_film_list_that_breaks_off_is_told(tmp_path):
    write(tmp_path / "ratings.dat", "1::7::5::978300760\n")
    (tmp_path / "movies.dat.gz").write_bytes(gzip.compress(b"7::Heat (1995)::Drama\n")[:-12])
    with refusal("breaks-off", "movies.dat.gz"):
        read({"loader": "movielens", "folder": str(tmp_path)})


def test_a_folder_without_movielens_is_told(tmp_path):
    with refusal("no-file", about="ratings.dat"):
        read({"loader": "movielens", "folder": str(tmp_path)})


def test_movielens_csv(tmp_path):
    write(
        tmp_path / "ratings.csv",
        "userId,movieId,rating,timestamp\n1,29,4.0,1112484676\n1,11,3.5,1112484677\n",
    )
    title = "City of Lost Children, The (Cité des enfants perdus, La) (1995)"
    write(
        tmp_path / "movies.csv",
        f'movieId,title,genres\n29,"{title}",Adventure|Drama\n11,"American President, The (1995)",(no genres listed)\n',
    )
    domain, told = read({"loader": "movielens", "folder": str(tmp_path)})
    assert told == {
        "1": [
            "The City of Lost Children (La Cité des enfants perdus) (1995)",
            "The American President (1995)",
        ]
    }
    assert categories(domain) == {"29": ["Adventure", "Drama"], "11": []}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Matrix, The (1999)", "The Matrix (1999)"),
        ("Avventura, L' (Adventure, The) (1960)", "L'Avventura (The Adventure) (1960)"),
        ("Good, The Bad and the Ugly, The (1966)", "The Good, The Bad and the Ugly (1966)"),
        ("Me, Myself & Irene (2000)", "Me, Myself & Irene (2000)"),
        ("Amelie", "Amelie"),
        ("Plan, A", "A Plan"),
    ],
)
def test_articles_go_first(before, after):
    from domains.io.columns import article_first

    assert pl.DataFrame({"t": [before]}).select(article_first(pl.col("t")))["t"][0] == after


def test_movietweetings(tmp_path):
    write(tmp_path / "ratings.dat", "1::0111161::10::1373234211\n1::0068646::9::1373415231\n")
    write(
        tmp_path / "movies.dat",
        "0111161::The Shawshank Redemption (1994)::Drama\n0068646::The Godfather (1972)::Crime|Drama\n",
    )
    domain, told = read({"loader": "movietweetings", "folder": str(tmp_path)})
    assert told == {"1": ["The Shawshank Redemption (1994)", "The Godfather (1972)"]}
    assert categories(domain)["0068646"] == ["Crime", "Drama"]


def test_goodreads_ucsd(tmp_path):
    def act(book, added):
        return {
            "user_id": "8842281e",
            "book_id": book,
            "review_id": "r",
            "is_read": True,
            "rating": 5,
            "review_text_incomplete": "",
            "date_added": added,
            "date_updated": added,
            "read_at": "",
            "started_at": "",
        }

    write(
        tmp_path / "goodreads_interactions_poetry.json.gz",
        json_lines(act("1", "Wed Jan 09 08:29:25 -0800 2013"), act("2", "Wed Jan 09 08:29:24 -0800 2013")),
    )
    shelves = [{"count": "9", "name": "to-read"}, {"count": "3", "name": "poetry"}, {"count": "2", "name": "owned"}]
    write(
        tmp_path / "goodreads_books_poetry.json.gz",
        json_lines(
            {
                "isbn": "",
                "book_id": "1",
                "title": "W.C. Fields",
                "popular_shelves": shelves,
                "description": "Fun",
                "authors": [{"author_id": "7", "role": ""}, {"author_id": "8", "role": "Editor"}],
            },
            {"isbn": "", "book_id": "2", "title": "Good Harbor", "popular_shelves": shelves},
        ),
    )
    domain, told = read({"loader": "goodreads", "folder": str(tmp_path)})
    assert told == {"8842281e": ["Good Harbor", "W.C. Fields"]}
    assert domain.times.tolist() == [1357748964, 1357748965]
    found = {"1": {"description": ["Fun"], "shelves": ["poetry"]}, "2": {"shelves": ["poetry"]}}
    assert texts(domain) == found
    names = {"7": "Ronald J. Fields", "8": "Ann Lee"}
    write(
        tmp_path / "goodreads_book_authors.json.gz",
        json_lines(*({"average_rating": "3", "author_id": number, "name": name} for number, name in names.items())),
    )
    found["1"]["authors"] = ["Ronald J. Fields", "Ann Lee"]
    assert texts(read({"loader": "goodreads", "folder": str(tmp_path)})[0]) == found


def test_goodbooks(tmp_path):
    write(tmp_path / "ratings.csv", "user_id,book_id,rating\n1,258,5\n2,4081,4\n2,258,4\n1,4081,1\n")
    head = "book_id,goodreads_book_id,authors,original_title,title,language_code\n"
    write(tmp_path / "books.csv", head + '258,1,"A, B",X,"Holes, Deep (#1)",eng\n4081,2,C,Y,Dune,eng\n')
    domain, told = read({"loader": "goodbooks", "folder": str(tmp_path)})
    assert told == {"1": ["Holes, Deep (#1)", "Dune"], "2": ["Dune", "Holes, Deep (#1)"]}
    assert texts(domain) == {"258": {"authors": ["A", "B"]}, "4081": {"authors": ["C"]}}
    assert domain.time_kind == "order"


def test_book_crossing(tmp_path):
    write(
        tmp_path / "BX-Book-Ratings.csv",
        '"User-ID";"ISBN";"Book-Rating"\r\n"276725";"034545104x";"0"\r\n"276725";"0155061224";"5"\r\n',
        "latin-1",
    )
    write(
        tmp_path / "BX-Books.csv",
        '"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication";"Publisher";"Image-URL-S";"Image-URL-M";"Image-URL-L"\r\n'
        '"034545104X";"Flesh Tones: A Novel; \\"Best\\"";"M. J. Rose";"2002";"B &amp; B";"a";"b";"c"\r\n'
        '"0155061224";"Müller &amp; Söhne";"J";"2001";"H";"a";"b";"c"\r\n',
        "latin-1",
    )
    domain, told = read({"loader": "bookcrossing", "folder": str(tmp_path)})
    assert told == {"276725": ['Flesh Tones: A Novel; "Best"', "Müller & Söhne"]}
    assert texts(domain)["034545104X"] == {"authors": ["M. J. Rose"], "publisher": ["B & B"]}
    assert domain.time_kind == "order"


def test_steam(tmp_path):
    write(
        tmp_path / "steam_reviews.json.gz",
        "{u'username': u'Chaos Syren', u'hours': 0.1, u'products': 41, u'product_id': u'725280', u'page_order': 0, "
        "u'date': u'2017-12-17', u'text': u'This would not be acceptable', u'early_access': False, u'page': 1}\n"
        "{u'username': u'Chaos Syren', u'product_id': u'10', u'date': u'2016-12-17', u'text': u\"don't\"}\n",
    )
    write(
        tmp_path / "steam_games.json.gz",
        "{u'publisher': u'K', u'developer': u'Success Corp.', u'tags': [u'Anime'], "
        "u'genres': [u'Action', u'Indie'], u'app_name': u'Psyvariar', "
        "u'title': u'Psyvariar Delta', "
        "u'price': 4.99, u'id': u'725280'}\n"
        "{u'app_name': u'Counter-Strike', u'tags': [u'FPS'], u'id': u'10'}\n{u'app_name': u'No id'}\n",
    )
    domain, told = read({"loader": "steam", "folder": str(tmp_path)})
    assert told == {"Chaos Syren": ["Counter-Strike", "Psyvariar Delta"]}
    assert categories(domain) == {"725280": ["Action", "Indie"], "10": ["FPS"]}
    assert texts(domain)["725280"] == {"developer": ["Success Corp."], "publisher": ["K"], "tags": ["Anime"]}
    assert domain.times.tolist() == [1481932800, 1513468800]


def test_yelp(tmp_path):
    def act(user, place, date):
        return {
            "review_id": "r",
            "user_id": user,
            "business_id": place,
            "stars": 4.0,
            "text": "a\nb",
            "date": date,
        }

    write(
        tmp_path / "yelp_academic_dataset_review.json",
        json_lines(act("u", "b1", "2018-07-07 22:09:11"), act("u", "b2", "2012-01-03 15:28:18")),
    )
    write(
        tmp_path / "yelp_academic_dataset_business.json",
        json_lines(
            {
                "business_id": "b1",
                "name": "Turning Point",
                "categories": "Breakfast & Brunch, Food",
                "hours": {"Monday": "7:0-15:0"},
            },
            {"business_id": "b2", "name": "Melt", "categories": None, "hours": None},
        ),
    )
    domain, told = read({"loader": "yelp", "folder": str(tmp_path)})
    assert told == {"u": ["Melt", "Turning Point"]}
    assert categories(domain) == {"b1": ["Breakfast & Brunch", "Food"], "b2": []}
    assert domain.times.tolist() == [1325604498, 1531001351]


def test_pixelrec(tmp_path):
    write(tmp_path / "Pixel50K.csv", "item_id,user_id,timestamp\ni2,u1,1655600001\ni1,u1,1655600000\n")
    counts = "view_number,comment_number,thumbup_number,share_number,coin_number,favorite_number,barrage_number"
    head = f"item_id,{counts},title,tag,description\n"
    write(
        tmp_path / "info.csv",
        head + 'i1,1,2,3,4,5,6,7,"Cats, purring",animals,d\ni2,1,2,3,4,5,6,7,Chess,,"d\ne"\n',
    )
    domain, told = read(
        {
            "loader": "pixelrec",
            "interactions": str(tmp_path / "Pixel50K.csv"),
            "items": str(tmp_path / "info.csv"),
        }
    )
    assert told == {"u1": ["Cats, purring", "Chess"]}
    assert categories(domain) == {"i1": ["animals"], "i2": []}
    assert texts(domain) == {"i1": {"description": ["d"]}, "i2": {"description": ["d e"]}}
    assert domain.name == "Pixel50K"


@pytest.fixture
def mind(tmp_path):
    news = 'N1\tsports\tgolf\tA "Hole" in one\tText\thttps://x\t[]\t[]\nN2\tnews\tus\tVotes\t\thttps://x\t[]\t[]\n'
    more = news + "N3\tfood\tpie\tPie\t\thttps://x\t[]\t[]\n"
    rows = {
        "MINDsmall_train": "1\tU1\t11/11/2019 9:05:58 PM\tN3 N2\tN1-1 N2-0\n2\tU2\t11/12/2019 6:11:30 AM\t\tN2-1\n",
        "MINDsmall_dev": "1\tU1\t11/15/2019 8:55:22 AM\tN3 N2\tN2-1 N3-0\n",
    }
    for part, text in rows.items():
        write(tmp_path / part / "behaviors.tsv", text)
        write(tmp_path / part / "news.tsv", more if part.endswith("dev") else news)
    return str(tmp_path / "MINDsmall_*")


def test_mind_impressions(mind):
    domain, told = read({"loader": "mind", "folder": mind})
    assert told == {"U1": ['A "Hole" in one', "Votes"], "U2": ["Votes"]}
    assert domain.times.tolist() == [1573506358, 1573808122, 1573539090]
    assert categories(domain)["N1"] == ["sports", "golf"]
    assert texts(domain) == {"N1": {"abstract": ["Text"]}, "N2": {}}


def test_mind_with_history(mind):
    domain, told = read({"loader": "mind", "folder": mind, "clicks": "all"}, repeats="keep")
    assert told == {"U1": ["Pie", "Votes", 'A "Hole" in one', "Votes"], "U2": ["Votes"]}
    assert domain.time_kind == "order"


def test_recbole_atomic_files(tmp_path):
    write(
        tmp_path / "ml.inter",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t10\t3\t881250949\n1\t11\t3\t881250940.0\n",
    )
    write(
        tmp_path / "ml.item",
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        '10\tToy "Story"\t1995\tAnimation Comedy\n11\tHeat\t1995\t\n',
    )
    domain, told = read({"loader": "recbole", "folder": str(tmp_path)})
    assert told == {"1": ["Heat", 'Toy "Story"']}
    assert categories(domain) == {"10": ["Animation", "Comedy"], "11": []}


def test_the_bundled_books_have_authors_and_the_films_genres():
    books, films = (open_domain(name).domain for name in ("books", "films"))
    assert texts(books)["2"] == {"authors": ["J.K. Rowling", "Mary GrandPré"]}
    assert all(texts(books).values())
    assert categories(films)["0020629"] == ["Drama", "War"]


def test_every_loader_has_a_summary_and_an_argument():
    for name in loader_names():
        loader = find_loader(name)
        assert loader.name == name
        assert loader.argument in loader.options.model_fields
        assert loader.summary
        assert all(field.description for field in loader.options.model_fields.values())


def test_unknown_loader_names_the_nearest():
    with refusal("loader", "loader", about="'movielens'"):
        find_loader("movielnes")
