"""Turn titles into surface forms and lemmas, one module per library; `base` holds the interface."""
