"""Serve an exported product without this toolkit: python serve_onnx.py EXPORT_FOLDER "title; title".

Needs onnxruntime, numpy and pyarrow. Make the folder with: transfer export RUN --out EXPORT_FOLDER
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow.parquet as pq


def main(folder: Path, history: str, count: int = 10) -> None:
    """Print the best items after a history of titles or ids."""
    facts = json.loads((folder / "export.json").read_text(encoding="utf-8"))
    table = pq.read_table(folder / "items.parquet")
    ids, titles = table["item_id"].to_pylist(), table["title"].to_pylist()
    places = {title: place for place, title in enumerate(titles)} | {name: place for place, name in enumerate(ids)}
    given = [part.strip() for part in history.split(";") if part.strip()]
    unknown = [part for part in given if part not in places]
    if unknown or not given:
        raise SystemExit(
            f"No such title or id: {', '.join(unknown) or repr(history)}. {folder / 'items.parquet'} lists them all."
        )
    past = [places[part] for part in given]
    last = past[-facts["max_length"] :]
    items = np.array([last + [0] * max(0, 2 - len(last))], dtype=np.int64)  # padded on the right, two places at least
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    [[scores]] = session.run(None, {"items": items, "lengths": np.array([len(last)], dtype=np.int64)})
    if facts["excludes_seen"]:
        scores[past] = -np.inf
    for place in np.argsort(-scores)[:count]:
        print(f"{scores[place]:8.3f}  {ids[place]}  {titles[place]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
