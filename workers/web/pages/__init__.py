"""The pages for people."""

from workers.web.pages.app import pages_app

__all__ = ["pages_app"]
