"""The HTTP door: routes, handlers, error bodies, OpenAPI."""
