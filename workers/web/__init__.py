"""The web process: callback receiver, API and pages."""
