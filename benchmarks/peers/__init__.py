"""Peers: what a good team would write for the same reports in a week or two, each a small service of its own.

All are FastAPI, with a table of calls in DuckDB, in PostgreSQL or in ClickHouse as a library. They have no time zones,
no versions of fields, and nobody to be kept out.
"""
