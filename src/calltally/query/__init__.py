"""A report: parse, validate, plan, answer, shape."""
