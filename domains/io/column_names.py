"""Usual names of columns, by the role that the column plays."""

from __future__ import annotations

ITEM_NAMES = (
    "item_id", "itemid", "item", "iid", "parent_asin", "asin", "movieid", "movie_id", "book_id", "bookid",
    "isbn", "product_id", "productid", "article_id", "news_id", "sku", "business_id", "stockcode", "stock_code",
    "app_id", "appid", "track_id", "song_id", "game_id", "anime_id", "recipe_id", "ean", "gtin", "upc", "barcode",
    "item_code", "product_code",
    "artikel_id", "artikelid", "artikelnummer", "artikelnr", "artikel_nr", "produkt_id", "produktid", "produktnummer",
    "id_produit", "produit_id", "code_produit", "reference_produit", "article_ref",
    "id_producto", "producto_id", "codigo_producto", "id_prodotto", "prodotto_id", "codice_prodotto",
    "productnummer", "artikelcode", "id_produto", "produto_id", "codigo_produto", "id_produktu", "produktu_id",
    "produkt_nr",
)  # fmt: skip
THINGS = (
    "product", "article", "artikel", "produkt", "produit", "producto", "articulo", "prodotto", "articolo", "produto",
    "artigo", "towar", "artykul", "vara",
)  # fmt: skip
"""The thing itself: its id where no column is called an id, else its title."""
ALIASES: dict[str, tuple[str, ...]] = {
    "user": (
        "user_id", "userid", "user", "uid", "reviewerid", "customer_id", "customerid", "customer", "visitor_id",
        "visitorid", "account_id", "client_id", "member_id", "steamid", "buyer_id", "shopper_id", "customer_email",
        "email", "username", "session_id",
        "kunden_id", "kundenid", "kundennummer", "kundennr", "kunden_nr", "kunde", "nutzer_id", "nutzer", "benutzer",
        "id_client", "client", "code_client", "numero_client", "utilisateur", "id_utilisateur",
        "id_cliente", "cliente_id", "codigo_cliente", "codice_cliente", "cliente", "usuario_id", "id_usuario",
        "usuario", "utente_id", "id_utente", "utente", "utilizador",
        "klant_id", "klantid", "klantnummer", "klantnr", "klant", "gebruiker",
        "id_klienta", "klient_id", "klient", "uzytkownik", "nabywca",
        "kund_id", "kundid", "kundnummer", "kundnr", "kund", "anvandare",
    ),
    "item": (*ITEM_NAMES, *THINGS),
    "item_key": (*ITEM_NAMES, "id", *THINGS),
    "time": (
        "timestamp", "time", "ts", "unixreviewtime", "datetime", "date", "event_time", "created_at", "review_time",
        "event_timestamp", "invoicedate", "invoice_date", "order_date", "orderdate", "purchase_date", "order_time",
        "t_dat", "ordered_at", "purchased_at", "date_time", "created", "submit_date",
        "zeitstempel", "datum", "bestelldatum", "kaufdatum", "bestellt_am", "zeit", "zeitpunkt",
        "date_commande", "date_achat", "date_de_commande", "horodatage",
        "fecha", "fecha_pedido", "fecha_compra", "fecha_hora", "marca_de_tiempo",
        "data", "data_ordine", "data_acquisto", "data_pedido", "data_compra", "data_hora", "data_ora",
        "besteldatum", "aankoopdatum", "orderdatum", "tijdstip",
        "data_zamowienia", "data_zakupu", "czas", "bestallningsdatum", "kopdatum", "tid", "tidpunkt",
    ),
    "title": (
        "title", "item_title", "name", "item_name", "product_title", "product_name", "productname", "prod_name",
        "movie_title", "book_title", "headline", "article_name", "track_name", "song_name", "game_name", "display_name",
        "app_name", "short_name", "label",
        "titel", "bezeichnung", "artikelbezeichnung", "produktbezeichnung", "artikelname", "produktname",
        "titre", "nom", "nom_produit", "libelle", "libelle_produit", "designation", "intitule",
        "titulo", "nombre", "nombre_producto", "nombre_del_producto",
        "titolo", "nome", "nome_prodotto", "denominazione", "nome_produto",
        "naam", "productnaam", "artikelnaam", "omschrijving",
        "tytul", "nazwa", "nazwa_produktu", "namn", "produktnamn", "benamning",
        *THINGS,
    ),
    "categories": (
        "categories", "category", "genres", "genre", "tags", "class", "category_name", "main_category",
        "category_code", "product_type", "product_type_name", "department",
        "kategorie", "kategorien", "warengruppe", "categorie", "rubrique", "rayon", "categoria", "categorias",
        "categorieen", "kategoria", "kategori", "varugrupp", "productgroep",
    ),
}  # fmt: skip
"""Known names, in English, German, French, Spanish, Italian, Portuguese, Dutch, Polish and Swedish.

They are compared without case, accents, blanks, hyphens and type suffixes (``user_id:token``); the first one wins.
"""
