"""Businesses, their keys, and what a key allows."""
