"""What a terminal shows."""

import pytest

from workers.cli.printing import when_stopped


def test_a_command_that_is_stopped_says_what_was_not_done(capsys):
    with pytest.raises(KeyboardInterrupt), when_stopped("stopped; nothing was appended"):
        raise KeyboardInterrupt

    assert capsys.readouterr().err == "dialer: stopped; nothing was appended\n"
