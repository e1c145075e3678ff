"""A campaign's report files, and their agreement with the provider."""
