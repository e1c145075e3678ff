"""Phone numbers: read, judged, compared, and masked."""
