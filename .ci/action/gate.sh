#!/usr/bin/env bash
# Measure a model and check the result: annotations on stdout, a table in the step's summary,
# result.json, check.json and junit.xml in $EDGEQ_OUT. Ends with the exit code of edgeq check.
set -euo pipefail

: "${EDGEQ_MODEL:?}" "${EDGEQ_BOARD:?}" "${EDGEQ_OUT:?}"
mkdir -p "$EDGEQ_OUT"
result="$EDGEQ_OUT/result.json"

bench=(--board "$EDGEQ_BOARD" --runs "${EDGEQ_RUNS:-10}" --format json)
[[ -z "${EDGEQ_PORT:-}" ]] || bench+=(--port "$EDGEQ_PORT")
[[ -z "${EDGEQ_METER:-}" ]] || bench+=(--meter "$EDGEQ_METER")
status=0
edgeq bench "${bench[@]}" -- "$EDGEQ_MODEL" > "$result" || status=$?
# 1 is an output that is not bit-exact: the check says so below.
if ((status > 1)); then
  exit "$status"
fi

check=()
option() { [[ -z "$2" ]] || check+=("$1" "$2"); }
option --max-latency "${EDGEQ_MAX_LATENCY:-}"
option --max-energy "${EDGEQ_MAX_ENERGY:-}"
option --max-flash "${EDGEQ_MAX_FLASH:-}"
option --max-ram "${EDGEQ_MAX_RAM:-}"
[[ "${EDGEQ_STRICT:-}" != true ]] || check+=(--strict)
if [[ -n "${EDGEQ_AGAINST:-}" ]]; then
  check+=(--against "$EDGEQ_AGAINST" --max-regression "${EDGEQ_MAX_REGRESSION:-3%}")
  read -ra different <<< "${EDGEQ_ALLOW_DIFFERENT:-}"
  for name in ${different[@]+"${different[@]}"}; do
    check+=(--allow-different "$name")
  done
fi

verdicts() { edgeq check ${check[@]+"${check[@]}"} --format "$1" -- "$result"; }
status=0
verdicts github || status=$?
if ((status > 1)); then
  exit "$status"
fi
{
  verdicts json > "$EDGEQ_OUT/check.json" || true
  verdicts junit > "$EDGEQ_OUT/junit.xml" || true
  verdicts markdown >> "${GITHUB_STEP_SUMMARY:-/dev/null}" || true
} 2> /dev/null # the first said why

passed=true
((status == 0)) || passed=false
printf 'result=%s\npassed=%s\n' "$result" "$passed" >> "${GITHUB_OUTPUT:-/dev/null}"
exit "$status"
