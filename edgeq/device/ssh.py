"""A session on a Linux board over the system's own OpenSSH.

The user's keys, configuration and known hosts count. A host whose key is not known, or changed, is
refused. No command is ever put together from text: what the board's shell gets is quoted word by
word.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeq.core.errors import DeviceError, UsageError
from edgeq.core.files import read_bytes
from edgeq.core.installation import require
from edgeq.core.processes import Child, Completed, TimedOut, run, spawn

CONNECT_S = 15
REMOVAL_S = 20.0
SLOWEST_BYTES_PER_S = 50_000
SSH_FAILED = 255
LONGEST_GREETING = 4096  # of a board that answers without end
OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "RequestTTY=no",
    "RemoteCommand=none",
    # An open connection of the user's is shared; one of ours would outlive what runs in it.
    "ControlMaster=no",
    f"ConnectTimeout={CONNECT_S}",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "LogLevel=ERROR",
)
# The folder's keeper: it outlives whatever is killed on this side, for its stdin ends then. It goes
# on until nothing is left, as an upload that was under way may still write.
KEEPER = (
    'trap "" HUP INT TERM PIPE; '
    'd=$(mktemp -d "${TMPDIR:-/tmp}/edgeq.XXXXXXXXXX") || exit 73; '
    'printf "edgeq-folder %s\\n" "$d"; cat >/dev/null; cd /; n=0; '
    'while [ -e "$d" ] && [ $n -lt 100 ]; do rm -rf -- "$d"; n=$((n+1)); '
    '[ -e "$d" ] && sleep 0.1; done; exit 0'
)
UPLOAD = 'cat > "$1" && wc -c < "$1"'
_FOLDER = re.compile(r"edgeq-folder (/[^\x00-\x1f]{1,200}/edgeq\.[A-Za-z0-9]{10})\Z")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_HOST = re.compile(
    r"(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.\\-]{0,63})@)?"
    r"(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>\d{1,5}))?\Z"
)


@dataclass(frozen=True, slots=True)
class SshTarget:
    """Where to: `destination` as OpenSSH takes it, a port, and a configuration file of its own."""

    destination: str
    port: int | None = None
    config: Path | None = None


def parse_target(text: str, *, config: Path | None = None) -> SshTarget:
    """Return the target in '[user@]host' or '[user@]host:port', which may begin with ssh://.

    Raises:
        UsageError: it is no such name. A host never begins with '-'.
    """
    found = _HOST.match(text.removeprefix("ssh://"))
    port = int(found["port"]) if found and found["port"] else None
    if not found or not (port is None or 0 < port < 65536):
        raise UsageError(
            f"{text[:80]!r} is no host",
            hint="write user@name, user@name:port, or a host of your ~/.ssh/config",
        )
    user = f"{found['user']}@" if found["user"] else ""
    return SshTarget(user + found["name"].strip("[]"), port, config)


def ssh_argv(target: SshTarget, command: Sequence[str]) -> list[str]:
    """Return the argv that runs `command` on the target, each word quoted for its shell.

    Raises:
        UsageError: a word holds a NUL, which no command can have.
    """
    if any("\x00" in word for word in command):
        raise UsageError("a command cannot hold a NUL", hint="check --python and the file names")
    argv = ["ssh", "-T", *(part for option in OPTIONS for part in ("-o", option))]
    if target.config is not None:
        argv += ["-F", str(target.config)]
    if target.port is not None:
        argv += ["-p", str(target.port)]
    return [*argv, "--", target.destination, shlex.join(command)]


class SshSession:
    """A folder of our own on the board for as long as the session lasts.

    Use it as a context manager: the folder is removed at its end, also after Ctrl-C; and by the
    board itself where this process is killed or the network is lost.
    """

    def __init__(self, target: SshTarget) -> None:
        """Connect and make the folder.

        Raises:
            DeviceError: the host cannot be reached, its key is not known, it lets us not in.
            ToolchainError: OpenSSH is not installed.
        """
        require("ssh")
        self.target = target
        self.name = target.destination
        self._keeper = self.spawn(["sh", "-c", KEEPER])
        try:
            self.folder = self._read_folder()
        except BaseException:
            self._keeper.close()
            raise

    def __enter__(self) -> SshSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the board remove the folder, and end the connection."""
        self._keeper.hang_up()
        self._keeper.wait(REMOVAL_S)
        self._keeper.close()

    def run(
        self, argv: Sequence[str], *, timeout_s: float = 60.0, stdin: bytes | None = None
    ) -> Completed:
        """Run one command on the board to its end; its exit code is not judged.

        Raises:
            DeviceError: the connection failed, or the command took longer than `timeout_s`.
        """
        try:
            done = run(ssh_argv(self.target, argv), timeout_s=timeout_s, stdin=stdin)
        except TimedOut as error:
            raise DeviceError(
                f"{self.name}: {argv[0]} did not end within {timeout_s:g} s",
                hint="the board may be busy or the network slow; raise the limit with --timeout",
            ) from error
        if done.returncode == SSH_FAILED:
            raise explain_failure(self.name, done.stderr)
        return done

    def spawn(self, argv: Sequence[str]) -> Child:
        """Start a command on the board that is spoken to over its stdin and stdout."""
        return spawn(ssh_argv(self.target, argv))

    def put(self, source: Path, name: str) -> str:
        """Copy a file into the folder under `name`; return its path on the board.

        Raises:
            DeviceError: it did not arrive whole.
        """
        assert _NAME.match(name), name
        data = read_bytes(source, what="file")
        path = f"{self.folder}/{name}"
        limit = 60 + len(data) / SLOWEST_BYTES_PER_S
        done = self.run(["sh", "-c", UPLOAD, "edgeq", path], timeout_s=limit, stdin=data)
        if done.returncode != 0 or done.stdout.strip() != str(len(data)):
            raise DeviceError(
                f"{self.name}: {name} did not arrive whole: {done.stderr.strip()[-200:]}",
                hint=f"is there room on the board? df {self.folder}",
            )
        return path

    def lost(self, child: Child) -> DeviceError:
        """Return the error of a command of `spawn` that ended before it answered."""
        code = child.wait(5.0)
        words = child.last_words()
        if code == SSH_FAILED:
            return explain_failure(self.name, words)
        return DeviceError(
            f"{self.name}: the command ended with {code}: {words[-300:] or 'no message'}",
            hint="run the same command on the board by hand to see more",
        )

    def _read_folder(self) -> str:
        text = b""
        try:
            while b"\n" not in text and len(text) < LONGEST_GREETING:
                part = self._keeper.read(2.0 * CONNECT_S)
                if not part:
                    raise DeviceError(
                        f"{self.name} did not answer within {2 * CONNECT_S} s",
                        hint=f"try it by hand: ssh {self.name} true",
                    )
                text += part
        except EOFError:
            raise self.lost(self._keeper) from None
        first = text.decode("utf-8", "replace").splitlines()[-1]
        found = _FOLDER.match(first)
        if not found:
            raise DeviceError(
                f"{self.name} answered {first[:80]!r} instead of a folder",
                hint="does its shell print something at login? it must not where it has no tty",
            )
        return found[1]


@dataclass(frozen=True, slots=True)
class Failure:
    """A line of OpenSSH's, what it means, and what the user can do."""

    pattern: str
    cause: str
    hint: Callable[[str], str]


FAILURES = (
    Failure(
        "host identification has changed",
        "its host key is not the one in known_hosts",
        lambda host: (
            "if the board was set up anew: ssh-keygen -R the host's name, then ssh to it "
            "once and compare the fingerprint; else somebody may be in between"
        ),
    ),
    Failure(
        "host key verification failed",
        "its host key is not known",
        lambda host: f"run `ssh {host}` once, compare the fingerprint, and accept it",
    ),
    Failure(
        "permission denied",
        "it did not accept a key of yours",
        lambda host: f"install one: ssh-copy-id {host} (edgeq never asks for a password)",
    ),
    Failure(
        "could not resolve hostname",
        "no such host",
        lambda host: "check the name; try the board's address, or NAME.local",
    ),
    Failure(
        "connection refused",
        "nothing listens there",
        lambda host: "switch SSH on: sudo raspi-config, Interface Options",
    ),
    Failure(
        "timed out", "it does not answer", lambda host: "is the board on and in the same network?"
    ),
)


def explain_failure(host: str, stderr: str) -> DeviceError:
    """Return the error that OpenSSH's own words mean."""
    said = stderr.lower()
    for row in FAILURES:
        if row.pattern in said:
            return DeviceError(f"{host}: {row.cause}", hint=row.hint(host))
    last = (stderr.strip().splitlines() or ["no message"])[-1]
    return DeviceError(f"{host}: {last[:200]}", hint=f"try it by hand: ssh {host} true")
