"""Read files, globs, folders and addresses as lazy tables, with clear errors."""
