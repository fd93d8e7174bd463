"""Thirty strings that try to become something else: a command, a path, an option, an escape."""

from __future__ import annotations

# Whatever runs one of them leaves this file behind.
CANARY = "canary"

HOSTILE = (
    f"; touch {CANARY}",
    f"x; touch {CANARY} #",
    f"$(touch {CANARY})",
    f"`touch {CANARY}`",
    f"| touch {CANARY}",
    f"&& touch {CANARY}",
    f"x\ntouch {CANARY}",
    f"x\r\ntouch {CANARY}",
    f"'; touch {CANARY}; '",
    f'"; touch {CANARY}; "',
    "x\0y",
    f"-oProxyCommand=touch {CANARY}",
    f"--config=touch {CANARY}",
    f"spy://?file={CANARY}",
    f"spy:///dev/ttyS0?file={CANARY}",
    "alt://dev?class=os.system",
    "hwgrep://.*",
    "cp2110:0001:004a:00",
    f"file:///{CANARY}",
    r"\\.\pipe\x",
    r"\\host\share\x",
    "../../x",
    "../../../../../../etc/passwd",
    "/dev/mem",
    "/dev/zero",
    "COM1",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "a" * 5000,
    "\u202etxt.exe\u2066\u200b",
    "%s%n{0}{{7*7}}${jndi:x}",
)
assert len(HOSTILE) == 30
