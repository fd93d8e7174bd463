"""Sessions with a real OpenSSH server on the loopback."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeq.core.errors import DeviceError
from edgeq.device.linux.machine import RUNNER
from edgeq.device.ssh import SshSession, SshTarget, parse_target
from tests.support.openssh import Server, make_key, needs_sshd, serve
from tests.support.texts import edited

pytestmark = needs_sshd
INJECTIONS = [
    "; touch injected", "$(touch injected)", "`touch injected`", "&& touch injected",
    "| touch injected", "\ntouch injected\n", "> injected", "'; touch injected; '",
    '"; touch injected; "', "\\'; touch injected #", "${IFS}touch${IFS}injected", "* ? [a]",
    "-oProxyCommand=touch injected", "--", "~", "a  b", "", "é\u202e", "!!", "%h %C",
]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as running:
        yield running


def target(server: Server) -> SshTarget:
    return parse_target("board", config=server.config)


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[SshSession]:
    with SshSession(target(server)) as opened:
        yield opened
    assert not list(server.temporary.iterdir())


def test_a_session_has_a_folder_of_its_own_that_goes_with_it(server: Server) -> None:
    with SshSession(target(server)) as first, SshSession(target(server)) as second:
        assert first.folder != second.folder
        assert Path(first.folder).stat().st_mode & 0o777 == 0o700
        path = first.put(RUNNER, "runner.py")
        assert Path(path).read_bytes() == RUNNER.read_bytes()
    assert not Path(first.folder).exists()
    assert not Path(second.folder).exists()


@pytest.mark.parametrize("word", INJECTIONS)
def test_a_word_arrives_as_it_was_and_does_nothing(session: SshSession, word: str) -> None:
    script = 'cd "$1" && printf %s "$2" && ls'
    done = session.run(["sh", "-c", script, "x", session.folder, word])
    assert (done.returncode, done.stdout) == (0, word)


def test_a_commands_exit_code_and_errors_come_back(session: SshSession) -> None:
    done = session.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_a_command_ends_at_its_deadline(session: SshSession) -> None:
    with pytest.raises(DeviceError, match="sleep did not end within 1 s"):
        session.run(["sleep", "10"], timeout_s=1.0)
    assert session.run(["true"]).returncode == 0


def test_a_file_that_does_not_arrive_whole_is_told(server: Server) -> None:
    with SshSession(target(server)) as session:
        shutil.rmtree(session.folder)
        with pytest.raises(DeviceError, match=r"runner\.py did not arrive whole"):
            session.put(RUNNER, "runner.py")


def test_an_unknown_or_changed_host_key_is_refused(server: Server) -> None:
    known = server.known_hosts.read_text()
    other = " ".join(make_key(server.folder / "other_key").split()[:2])
    rows = [
        ("", "host key is not known"),
        (f"[127.0.0.1]:{server.port} {other}\n", "not the one in known_hosts"),
    ]
    try:
        for text, cause in rows:
            server.known_hosts.write_text(text)
            with pytest.raises(DeviceError, match=cause):
                SshSession(target(server))
            assert server.known_hosts.read_text() == text
    finally:
        server.known_hosts.write_text(known)
    assert len(list(server.temporary.iterdir())) <= 1


def test_a_key_that_the_board_does_not_know_is_refused(server: Server) -> None:
    config = server.folder / "stranger_config"
    make_key(server.folder / "stranger")
    config.write_text(edited(server.config.read_text(), "/user_key", "/stranger"))
    with pytest.raises(DeviceError, match="did not accept a key"):
        SshSession(parse_target("board", config=config))
