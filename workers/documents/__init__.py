"""What programs are told, in one shape by the API and by the commands' `--json`."""
