"""The bundled WordNet 3.0 and the queries that the project needs."""
