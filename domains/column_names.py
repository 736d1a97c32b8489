"""Usual names of columns by their role, in several languages, and the form in which names are compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

from domains.word_lists import words

STROKES = str.maketrans("łøđ", "lod")
"""Letters whose strokes NFKD does not remove."""


def plain_name(name: str) -> str:
    """Normalise a column's name: no type suffix (``:token``), case, accents or signs; words joined by ``_``."""
    folded = unicodedata.normalize("NFKD", name.split(":")[0].casefold()).translate(STROKES)
    plain = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return re.sub(r"[\W_]+", "_", plain).strip("_")


def compared(name: str) -> str:
    """Return the form in which names are compared: `plain_name` without signs, so that ``userId`` is ``user_id``."""
    return plain_name(name).replace("_", "")


ITEM_NAMES = words(
    """
    item_id item iid parent_asin asin movie_id book_id
    isbn product_id article_id news_id sku business_id stock_code
    app_id track_id song_id game_id anime_id recipe_id ean gtin upc barcode
    item_code item_number item_no product_number product_no lineitem_sku
    product_code bib_number bib_id title_id track_uri content_id video_id listing_id
    artikel_id artikelnummer artikel_nr produkt_id produktnummer
    id_produit produit_id code_produit reference_produit article_ref
    id_producto producto_id codigo_producto id_prodotto prodotto_id codice_prodotto
    productnummer artikelcode id_produto produto_id codigo_produto id_produktu produktu_id
    produkt_nr
    """
)
THINGS = words(
    """
    product article artikel produkt produit producto articulo prodotto articolo produto
    artigo towar artykul vara
    track song movie film book game video
    """
)
"""Names of the thing itself: its id if no column is called an id, else its title."""
ALIASES: dict[str, tuple[str, ...]] = {
    "user": words(
        """
        user_id user uid reviewer_id customer_id customer visitor_id user_pseudo_id
        account_id client_id member_id steam_id buyer_id shopper_id customer_email buyer_username buyer_email
        email username session_id
        patron_id patron borrower_id borrower reader_id listener_id household_id household_key household subscriber_id
        profile_id person_id player_id student_id guest_id viewer_id customer_no customer_number customer_code
        customer_user_id customer_user user_email billing_email billing_email_address email_address
        listener reader viewer visitor member subscriber buyer shopper guest reviewer contact_name contact
        kunden_id kundennummer kunden_nr kunde nutzer_id nutzer benutzer
        id_client client code_client numero_client utilisateur id_utilisateur
        id_cliente cliente_id codigo_cliente codice_cliente cliente usuario_id id_usuario
        usuario utente_id id_utente utente utilizador
        klant_id klantnummer klantnr klant gebruiker
        id_klienta klient_id klient uzytkownik nabywca
        kund_id kundnummer kundnr kund anvandare
        """
    ),
    "item": (*ITEM_NAMES, *THINGS),
    "item_key": (*ITEM_NAMES, "id", *THINGS),
    "time": words(
        """
        timestamp time ts unix_review_time date_time date event_time created_at review_time
        event_timestamp invoice_date order_date purchase_date order_time
        t_dat ordered_at purchased_at created submit_date
        transaction_date transaction_time event_date sale_date loan_date checkout_date checkout_date_time checkout_time
        borrowed_at played_at listened_at watched_at viewed_at rated_at date_added timestamp_ms ts_ms unixtime
        zeitstempel datum bestelldatum kaufdatum bestellt_am zeit zeitpunkt
        date_commande date_achat date_de_commande horodatage
        fecha fecha_pedido fecha_compra fecha_hora marca_de_tiempo
        data data_ordine data_acquisto data_pedido data_compra data_hora data_ora
        besteldatum aankoopdatum orderdatum tijdstip
        data_zamowienia data_zakupu czas bestallningsdatum kopdatum tid tidpunkt
        """
    ),
    "title": (
        *words(
            """
            title item_title name item_name product_title product_name prod_name
            movie_title book_title headline article_name track_name song_name game_name display_name
            app_name short_name label
            titel bezeichnung artikelbezeichnung produktbezeichnung artikelname produktname
            titre nom nom_produit libelle libelle_produit designation intitule
            titulo nombre nombre_producto nombre_del_producto
            titolo nome nome_prodotto denominazione nome_produto
            naam productnaam artikelnaam omschrijving
            tytul nazwa nazwa_produktu namn produktnamn benamning
            """
        ),
        *THINGS,
    ),
    "categories": words(
        """
        categories category genres genre tags class category_name main_category
        category_code sub_category product_type product_type_name department section sector subjects subject
        topics topic aisle product_category item_category product_group item_group product_family family
        kategorie kategorien warengruppe produktgruppe artikelgruppe produktkategorie abteilung
        categorie rubrique rayon famille sous_categorie categoria categorias familia rubro seccion departamento
        subcategoria reparto famiglia sottocategoria categorieen productgroep afdeling
        kategoria dzial kategori varugrupp produktkategori avdelning категория カテゴリ カテゴリー 分类 类别
        """
    ),
}
"""Known names, in English, German, French, Spanish, Italian, Portuguese, Dutch, Polish and Swedish, few in others.

Names are compared in the form of `compared`; the first match wins.
"""


FIELDS: dict[str, tuple[str, ...]] = {
    "authors": words(
        """
        authors author author_name writers writer artists artist artist_name creator
        autor autoren autorin verfasser kunstler kuenstler interpret auteur auteurs
        artiste autore autori autores artista schrijver kunstenaar forfatter forfattare
        """
    ),
    "brand": words(
        """
        brand brand_name brands manufacturer maker vendor marke hersteller marque
        fabricant marca fabricante produttore merk fabrikant producent varumarke marka бренд ブランド 品牌
        """
    ),
    "developer": words(
        """
        developer developers studio entwickler developpeur desarrollador sviluppatore
        """
    ),
    "publisher": ("publisher", "publishers", "verlag", "editeur", "editorial", "editore", "uitgever", "wydawnictwo"),
    "description": words(
        """
        description product_description item_description long_description desc summary overview
        synopsis plot body_html beschreibung produktbeschreibung descripcion descrizione
        descricao omschrijving beschrijving opis beskrivning beskrivelse
        """
    ),
    "abstract": ("abstract", "teaser"),
    "features": words(
        """
        features feature bullet_points highlights merkmale eigenschaften caracteristiques
        caracteristicas caratteristiche kenmerken cechy
        """
    ),
    "genres": ("genres", "genre", "genere", "generi", "genero", "generos", "gatunek"),
    "tags": words(
        """
        tags tag keywords keyword schlagworte schlagworter stichworte mots_cles etiquetas
        parole_chiave trefwoorden slowa_kluczowe
        """
    ),
    "shelves": ("shelves", "popular_shelves"),
    "color": ("color", "colour", "colors", "colours", "farbe", "couleur", "colore", "kleur", "kolor", "farg", "farve"),
    "material": ("material", "materials", "materiau", "materiale", "materiaal", "werkstoff"),
}
"""Text field -> names of columns that hold it; the first match wins."""


OF_THINGS = rf"^(?:item|lineitem|prod|app|anime|recipe|{'|'.join(THINGS)})_(?=\w)"
"""What stands before the name of a field that says whose it is: ``book_author``, ``product_color``."""


LANGUAGE = r"(?<=\w)_(?:en|eng|english|de|fr|es|it|pt|nl|pl|sv|us|gb|uk)$"
"""What stands after the name of a field in several languages: ``name_en``."""


def core_names(name: str) -> list[str]:
    """Return shorter forms of a field's name: without a thing before it, a language after it, or the record around it.

    ``book_author`` is ``author``, ``title_en`` is ``title``, and ``attributes.brand`` is ``brand``.
    """
    whole = re.sub(LANGUAGE, "", plain_name(name))
    last = re.sub(LANGUAGE, "", plain_name(name.rpartition(".")[2]))
    return [whole, re.sub(OF_THINGS, "", whole), last, re.sub(OF_THINGS, "", last)]


def find_name(names: Collection[str], there: Sequence[str], *, shorter: bool = False) -> str | None:
    """Return the column with one of some names; the first name that occurs wins, and then the first column.

    Args:
        names: usual names.
        there: columns of a table.
        shorter: whether `core_names` of a column count as well, if no whole name is equal.
    """
    columns = {compared(column): column for column in reversed(there)}
    if shorter:
        columns = {compared(core): column for column in reversed(there) for core in core_names(column)} | columns
    return next((columns[same] for name in names if (same := compared(name)) in columns), None)


def usual_column(role: str, there: Sequence[str]) -> str | None:
    """Return the column with a usual name of a role, a key of `ALIASES`; None if there is none."""
    return find_name(ALIASES[role], there, shorter=role in ("title", "categories"))


def field_name(column: str) -> str:
    """Return the text field that a column holds: ``Marke`` is `brand`. An unknown name is its own field."""
    found = (field for field, names in FIELDS.items() if find_name(names, [column], shorter=True) is not None)
    return next(found, plain_name(column))


def find_text_columns(there: Sequence[str], taken: Collection[str | None]) -> dict[str, str]:
    """Find the columns that look like text fields: field -> column.

    Args:
        there: columns of the item table.
        taken: columns that have another role.
    """
    free = [name for name in there if name not in taken]
    found = {field: find_name(names, free, shorter=True) for field, names in FIELDS.items()}
    return {field: column for field, column in found.items() if column is not None}
