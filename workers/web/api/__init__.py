"""The JSON API under `/api/v1`."""

from workers.web.api.app import api_app

__all__ = ["api_app"]
