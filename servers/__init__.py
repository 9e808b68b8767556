"""Servers of databases that tests and benchmarks start: real ones, each a process of its own on this machine."""
