"""Results for people: Markdown tables and one HTML page that needs nothing else."""
