"""Reports: the record of a run, tables, charts, and an HTML page in one file."""
