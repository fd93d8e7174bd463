"""A real OpenSSH server on the loopback, with keys of its own, for one test."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")

needs_sshd = pytest.mark.skipif(
    SSHD is None or shutil.which("ssh") is None,
    reason="no OpenSSH server here (apt install openssh-server openssh-client)",
)

SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile {folder}/sshd.pid
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
MaxStartups 100
MaxSessions 100
{extra}
"""
CLIENT = """\
Host board
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/user_key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
"""


@dataclass(frozen=True)
class Server:
    """A server that lets the key of `config` in under the host name `board`."""

    folder: Path
    port: int

    @property
    def config(self) -> Path:
        """The client's configuration."""
        return self.folder / "client_config"

    @property
    def known_hosts(self) -> Path:
        """The file that says which host keys are known."""
        return self.folder / "known_hosts"

    @property
    def temporary(self) -> Path:
        """The TMPDIR of what runs on this server."""
        return self.folder / "tmp"


def make_key(path: Path) -> str:
    """Make a key pair without a passphrase; return the public half."""
    path.unlink(missing_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)], check=True
    )
    return path.with_name(path.name + ".pub").read_text()


@contextlib.contextmanager
def serve(folder: Path, *, path: str | None = None) -> Iterator[Server]:
    """Run a server below `folder` until the block ends; `path` replaces its sessions' PATH."""
    assert SSHD is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(folder, port)
    server.temporary.mkdir()
    make_key(folder / "user_key")
    words = " ".join(make_key(folder / "host_key").split()[:2])
    server.known_hosts.write_text(f"[127.0.0.1]:{port} {words}\n")
    values = {"port": port, "folder": folder, "user": getpass.getuser()}
    server.config.write_text(CLIENT.format(**values))
    home = folder / "home"
    home.mkdir()
    extra = f"SetEnv TMPDIR={server.temporary} XDG_CACHE_HOME={home}/.cache"
    extra += f" PATH={path}" if path else ""
    (folder / "server_config").write_text(SERVER.format(extra=extra, **values))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    argv = [SSHD, "-D", "-e", "-f", str(folder / "server_config")]
    with (folder / "log").open("wb") as log, subprocess.Popen(argv, stderr=log) as process:
        try:
            _wait_for(port)
            yield server
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("the OpenSSH server did not start")
