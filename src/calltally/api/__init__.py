"""The HTTP door: routes, handlers, error bodies, OpenAPI."""

from calltally.api.answers import Answers
from calltally.api.app import create_app
from calltally.api.intake import Intake, IntakeLimits
from calltally.api.log import GatheringHandler
from calltally.api.openapi import openapi
from calltally.api.proxies import behind_proxies
from calltally.api.server import bind, run_server
from calltally.api.services import Services
from calltally.api.turns import Limits
from calltally.api.workers import Workers

__all__ = [
    "Answers",
    "GatheringHandler",
    "Intake",
    "IntakeLimits",
    "Limits",
    "Services",
    "Workers",
    "behind_proxies",
    "bind",
    "create_app",
    "openapi",
    "run_server",
]
