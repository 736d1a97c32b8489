"""Turn titles into surface forms and lemmas, one module per library; `normaliser` holds the interface."""
