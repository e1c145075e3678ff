"""What leaves Redis: campaigns into files, personal data for good."""
