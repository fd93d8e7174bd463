"""Hosts and commands on their way to OpenSSH: nothing in them becomes an option or a command."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError, UsageError
from edgeq.core.processes import spawn
from edgeq.device import ssh
from edgeq.device.ssh import OPTIONS, SshTarget, explain_failure, parse_target, ssh_argv

HOSTILE = [
    "", " ", "-oProxyCommand=touch x", "--", "-l", "a b", "a;b", "a&b", "a|b", "$(id)", "`id`",
    "a\nb", "a\x00b", "host:0", "host:65536", "host:port", "host:-1", "user@", "@host",
    "user@-host", "-user@host", "a@b@c", "host/..", "..\\host", "~", "*", "'", '"', "host name",
    "ssh://", "ssh://-x", "spy://host", "socket://host:1", "[::1", "::1]", "[$(id)]", "é",
    "a" * 300,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_host_is_refused_before_anything_runs(text: str) -> None:
    with pytest.raises(UsageError, match="is no host"):
        parse_target(text)


@pytest.mark.parametrize(
    ("text", "destination", "port"),
    [
        ("raspberrypi", "raspberrypi", None),
        ("pi@raspberrypi.local", "pi@raspberrypi.local", None),
        ("pi@10.0.0.2:2222", "pi@10.0.0.2", 2222),
        ("ssh://pi@board:22", "pi@board", 22),
        ("pi@[fe80::1]:22", "pi@fe80::1", 22),
        ("_my-board", "_my-board", None),
    ],
)
def test_a_host_is_read_as_people_write_it(text: str, destination: str, port: int | None) -> None:
    assert parse_target(text) == SshTarget(destination, port)


@given(st.text(max_size=40))
def test_no_host_begins_with_a_hyphen_or_holds_a_space(text: str) -> None:
    try:
        target = parse_target(text)
    except UsageError:
        return
    assert target.destination[0] != "-"
    assert "@-" not in target.destination
    assert not set(target.destination) & set(" \t\n\0;&|$`'\"(){}<>*?~")


def test_the_users_host_keys_decide_and_nothing_is_asked() -> None:
    argv = ssh_argv(SshTarget("pi@board", 2222, Path("/tmp/config")), ["true"])
    options = [argv[i + 1] for i, word in enumerate(argv) if word == "-o"]
    assert options == list(OPTIONS)
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes"} <= set(options)
    assert argv[argv.index("-F") + 1] == "/tmp/config"
    assert argv[argv.index("-p") + 1] == "2222"
    assert argv[-3:] == ["--", "pi@board", "true"]


@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=20), min_size=1))
def test_the_boards_shell_sees_each_word_as_it_is(words: list[str]) -> None:
    assert shlex.split(ssh_argv(SshTarget("board"), words)[-1]) == words


def test_a_word_with_a_nul_is_refused() -> None:
    with pytest.raises(UsageError, match="NUL"):
        ssh_argv(SshTarget("board"), ["echo", "a\0b"])


@pytest.mark.parametrize(
    ("said", "cause", "hint"),
    [
        ("Host key verification failed.", "host key is not known", "ssh pi@board"),
        (
            "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.",
            "not the one in known_hosts",
            "ssh-keygen -R",
        ),
        ("pi@board: Permission denied (publickey).", "did not accept a key", "ssh-copy-id"),
        ("ssh: Could not resolve hostname board: Name or service", "no such host", ".local"),
        ("connect to host board port 22: Connection refused", "nothing listens", "raspi-config"),
        ("connect to host board port 22: Connection timed out", "does not answer", "network"),
        ("kex_exchange: banner\x1b[31m", r"kex_exchange: banner\\x1b", "ssh pi@board true"),
        ("", "no message", "ssh pi@board true"),
    ],
)
def test_what_openssh_says_becomes_a_cause_and_a_hint(said: str, cause: str, hint: str) -> None:
    error = explain_failure("pi@board", said)
    assert isinstance(error, DeviceError)
    with pytest.raises(DeviceError, match=cause):
        raise error
    assert hint in error.hint


def test_a_board_that_chatters_without_end_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chatter = "import sys\nwhile True: sys.stdout.write('x' * 100); sys.stdout.flush()"
    monkeypatch.setattr(ssh, "require", lambda name: name)
    monkeypatch.setattr(ssh, "spawn", lambda argv: spawn([sys.executable, "-c", chatter]))
    with pytest.raises(DeviceError, match="instead of a folder"):
        ssh.SshSession(SshTarget("board"))
