"""A believable year of calls, to look around with."""

from calltally.demo.business import Demo, find_demo, forget_demo, make_demo, requests
from calltally.demo.generate import generate_calls

__all__ = ["Demo", "find_demo", "forget_demo", "generate_calls", "make_demo", "requests"]
