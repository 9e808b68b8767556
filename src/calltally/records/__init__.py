"""A call record: raw values read as the values that are stored."""
