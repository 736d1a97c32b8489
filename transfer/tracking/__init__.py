"""Where metrics, settings and results of a run go beside its own files; off by default."""
