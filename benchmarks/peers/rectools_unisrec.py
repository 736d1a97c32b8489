"""RecTools' `UniSRecModel` as it ships, on titles' sentence vectors, with a width and length that a CPU can take."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from job import TextJob, TextMeasured, Titled, read_titled
from rectools.fast_transformers.unisrec.model import UniSRecModel


def fitted(job: TextJob, domain: Titled, epochs: int) -> UniSRecModel:
    """A model of a domain; every item is in its catalogue, whether anybody who trains has met it or not."""
    users, items, place = domain.training()
    count = len(domain.vectors)
    # A user with one interaction trains nothing, but makes its item known.
    nobody = len(domain.offsets) + np.arange(count)
    everyone, everything = np.concatenate([users, nobody]), np.concatenate([items, np.arange(count)])
    order = np.concatenate([place, np.zeros(count, np.int64)])
    model = UniSRecModel(
        torch.from_numpy(domain.vectors), n_factors=job.dim, session_max_len=job.length, epochs=epochs, device="cpu"
    )
    model.fit(torch.from_numpy(everyone), torch.from_numpy(everything), torch.from_numpy(order))
    return model


@torch.no_grad()
def ranked(job: TextJob, model: UniSRecModel, domain: Titled) -> tuple[float, float]:
    """NDCG@10 and Hit@10 of the last item of every user among all that it had not before, by what came before."""
    net = model.net.eval()
    table = net.project_all()
    known = model.map_item_ids(torch.arange(len(domain.vectors)))
    places = []
    for users in np.array_split(np.arange(len(domain.offsets) - 1), max(1, len(domain.offsets) // 256)):
        histories = [known[domain.items[domain.offsets[u] : domain.offsets[u + 1] - 1]] for u in users]
        rows = torch.zeros(len(users), job.length, dtype=torch.long)
        for row, history in zip(rows, histories, strict=True):
            row[-min(len(history), job.length) :] = history[-job.length :]
        scores = net.encode_last(rows) @ table.T
        scores[:, 0] = -torch.inf
        for row, history in zip(scores, histories, strict=True):
            row[history] = -torch.inf
        target = known[domain.items[domain.offsets[users + 1] - 1]]
        places.append((scores >= scores.gather(1, target[:, None])).sum(1) - 1)
    found = torch.cat(places).double()
    hit = found < 10
    return float((hit / torch.log2(found + 2)).mean()), float(hit.double().mean())


def run(job: TextJob) -> TextMeasured:
    """Train on one domain, rank on the other."""
    torch.set_num_threads(job.threads)
    torch.manual_seed(job.seed)
    learns, ranks = read_titled(job.learns), read_titled(job.ranks)
    began = time.perf_counter()
    model = fitted(job, learns, job.epochs)
    seconds = time.perf_counter() - began
    if job.learns != job.ranks:
        learned = {name: value for name, value in model.net.state_dict().items() if name != "frozen_emb"}
        model = fitted(job, ranks, 0)
        model.net.load_state_dict(learned, strict=False)
    return TextMeasured(*ranked(job, model, ranks), seconds)


def main() -> None:
    """The job of the first file, its answer into the second."""
    answer = run(TextJob(**json.loads(Path(sys.argv[1]).read_text())))
    Path(sys.argv[2]).write_text(json.dumps(asdict(answer)))


main()
