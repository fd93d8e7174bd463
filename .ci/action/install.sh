#!/usr/bin/env bash
# Install edgeq with the zig toolchain and the virtual boards: a released version, or this source.
set -euo pipefail

version="${EDGEQ_VERSION:-}"
if [[ -z "$version" ]]; then
  python -m pip install --quiet --disable-pip-version-check "$GITHUB_ACTION_PATH/../..[sim]"
elif [[ "$version" =~ ^[0-9][0-9A-Za-z.]*$ ]]; then
  python -m pip install --quiet --disable-pip-version-check "edgeq[sim]==$version"
else
  echo "error: the input version is no version" >&2
  exit 2
fi
edgeq --version
