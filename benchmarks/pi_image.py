"""Build what the emulated Raspberry Pi of the tests is made of.

    python benchmarks/pi_image.py [FOLDER]

FOLDER [default: edgeq/pi-image in the user's cache] gets a 64-bit Debian of arm64 (its packages
unpacked, nothing configured), and two folders of aarch64 wheels: ai-edge-litert, and tflite-runtime
with numpy < 2. QEMU's user mode runs its Python: no root, no chroot, no binfmt. Needs debootstrap,
dpkg-deb and qemu-aarch64 (apt install debootstrap qemu-user). 500 MB; a few minutes.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import platformdirs

from edgeq.core.processes import find_tool, run

SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
PACKAGES = "python3,libstdc++6"
PLATFORMS = ("manylinux_2_34_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")
PYTHON = "3.11"
# What QEMU's user mode 7.2 runs: newer ai-edge-litert crashes there, and on a board does not.
SITES = {
    "litert": ("ai-edge-litert==2.0.3", "numpy==2.2.6"),
    "tflite": ("tflite-runtime==2.14.0", "numpy==1.26.4"),
}
DONE = ".done"


def image_folder() -> Path:
    """Return where the image lies."""
    return Path(os.environ.get("EDGEQ_PI_IMAGE") or platformdirs.user_cache_path("edgeq/pi-image"))


def python_command(folder: Path, site: str) -> list[str]:
    """Return the command that runs the image's Python with one of its two runtimes."""
    root = folder / "root"
    python = root / "usr" / "bin" / f"python{PYTHON}"
    return ["env", f"PYTHONPATH={folder / site}", "qemu-aarch64", "-L", str(root), str(python)]


def build_image(folder: Path) -> None:
    """Make the image where it is not yet whole."""
    missing = [t for t in ("debootstrap", "dpkg-deb", "qemu-aarch64") if find_tool(t) is None]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)} (apt install debootstrap qemu-user)")
    if (folder / DONE).exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _unpack_system(folder / "root")
    for site, packages in SITES.items():
        _install_wheels(folder / site, packages)
    (folder / DONE).touch()


def _unpack_system(root: Path) -> None:
    print(f"Debian {SUITE}, arm64 ...", file=sys.stderr, flush=True)
    options = ["--arch=arm64", "--foreign", "--variant=minbase", f"--include={PACKAGES}"]
    _call(["debootstrap", *options, SUITE, str(root), MIRROR])
    for package in sorted((root / "var/cache/apt/archives").glob("*.deb")):
        _call(["dpkg-deb", "-x", str(package), str(root)])


def _install_wheels(target: Path, packages: tuple[str, ...]) -> None:
    print(f"{' '.join(packages)} ...", file=sys.stderr, flush=True)
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target)]
    argv += ["--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp"]
    argv += [word for name in PLATFORMS for word in ("--platform", name)]
    _call([*argv, *packages])


def _call(argv: list[str]) -> None:
    done = run(argv, timeout_s=3600)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(argv[:3])} failed:\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else image_folder()
    build_image(place)
    print(place)
