"""What both SASRec peers of RecTools share: its data set, and its recommendations as a matrix."""

from __future__ import annotations

import numpy as np
import pandas as pd
from job import Ints, Sequences
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

RECOMMENDED = 10


def dataset_of(data: Sequences) -> Dataset:
    """Interactions as the library wants them."""
    moments = pd.Timestamp("2020-01-01") + pd.to_timedelta(data.order, unit="s")
    columns = {Columns.User: data.users, Columns.Item: data.items, Columns.Weight: 1.0, Columns.Datetime: moments}
    return Dataset.construct(pd.DataFrame(columns))


def recommended(model: SASRecModel, dataset: Dataset, users: int) -> Ints:
    """Return (U, 10) the best items of every user, without those of the history; -1 where there are fewer."""
    table = model.recommend(np.arange(users), dataset, k=RECOMMENDED, filter_viewed=True)
    found = np.full((users, RECOMMENDED), -1)
    found[table[Columns.User].to_numpy(), table[Columns.Rank].to_numpy() - 1] = table[Columns.Item].to_numpy()
    return found
