"""Tools of the project itself, which are no part of what is installed."""
