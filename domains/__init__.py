"""Raw data -> `Domain`: loaders, preparation, splits, storage and summaries. Knows no models."""
