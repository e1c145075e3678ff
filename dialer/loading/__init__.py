"""An uploaded file becomes a campaign's contacts."""
