"""Calls in: files read as rows, rows as records, records into an engine."""
