"""The runner: measures a .tflite model with the interpreter of the machine that it runs on.

One self-contained file, shipped to the board as it is; it needs Python 3.7, numpy, and
ai-edge-litert or tflite-runtime. It reads one request, a line of JSON, from stdin and answers with
one line on stdout: `edgeq-reply` and JSON. The model runs in a child process, so that a crash in
native code is an answer too. stdin stays open: where it ends, the host is gone, and the runner ends
with its child.
"""

from __future__ import annotations

import base64
import gc
import json
import os
import platform
import struct
import subprocess
import sys
import threading
import time
from typing import Any

MARK = "edgeq-reply "
RUNTIMES = ("ai-edge-litert", "tflite-runtime")
CPU = "/sys/devices/system/cpu"
CHILD = "--child"
GONE = 3
MOST_RUNS = 1000
SHORTEST_NS, BATCH_NS = 20000, 100000

Json = Any


class Refused(Exception):
    """What was asked for cannot be done here: a code that the host knows, and what happened."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


# --- the machine ---------------------------------------------------------------------------------


def read_text(path: str) -> str:
    """Return the first 4096 characters of a file, '' where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(4096).strip("\0\n ")
    except OSError:
        return ""


def read_number(path: str) -> int | None:
    """Return the integer in a file of /sys, None where there is none."""
    try:
        return int(read_text(path))
    except ValueError:
        return None


def machine_facts() -> Json:
    """Return what the machine says of itself; the host makes sense of it."""
    uname = platform.uname()
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "machine": uname.machine,
        "bits": 8 * struct.calcsize("P"),
        "model": read_text("/proc/device-tree/model"),
        "cpuinfo": read_text("/proc/cpuinfo"),
        "cpus": len(affinity(0)) if affinity else os.cpu_count() or 1,
        "max_khz": read_number(CPU + "/cpu0/cpufreq/cpuinfo_max_freq"),
        "kernel": uname.system + " " + uname.release,
        "python": platform.python_version(),
    }


def machine_state() -> Json:
    """Return governor, clock, temperature and throttling as they are now; None for the unknown."""
    frequency = read_number(CPU + "/cpu0/cpufreq/scaling_cur_freq")
    return {
        "governor": read_text(CPU + "/cpu0/cpufreq/scaling_governor") or None,
        "frequency_hz": 1000 * frequency if frequency else None,
        "temperature_c": temperature(),
        "throttled_bits": throttled_bits(),
        "throttle_events": throttle_events(),
    }


def temperature() -> float | None:
    """Return the processor's temperature in degrees Celsius."""
    root = "/sys/class/thermal"
    zones = sorted(os.listdir(root)) if os.path.isdir(root) else []
    zones = [root + "/" + zone for zone in zones if zone.startswith("thermal_zone")]
    zones.sort(key=lambda zone: "cpu" not in read_text(zone + "/type"))
    for zone in zones:
        value = read_number(zone + "/temp")
        if value is not None:
            return value / 1000
    return None


def throttled_bits() -> int | None:
    """Return the firmware's throttling flags of a Raspberry Pi."""
    try:
        done = subprocess.run(
            ["vcgencmd", "get_throttled"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL, timeout=5, check=False,
        )  # fmt: skip
        return int(done.stdout.decode("ascii").strip().partition("=")[2], 16)
    except (OSError, ValueError, subprocess.SubprocessError):
        pass
    try:
        return int(read_text("/sys/devices/platform/soc/soc:firmware/get_throttled"), 16)
    except ValueError:
        return None


def throttle_events() -> int | None:
    """Return how often x86 processors were throttled by heat since boot."""
    counts = [
        read_number(f"{CPU}/cpu{cpu}/thermal_throttle/core_throttle_count")
        for cpu in range(os.cpu_count() or 1)
    ]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def memory_bytes(field: str) -> int | None:
    """Return VmHWM (peak) or VmRSS (now) of this process from /proc/self/status."""
    for line in read_text("/proc/self/status").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return 1024 * int(value.split()[0])
    return None


# --- the interpreter -----------------------------------------------------------------------------


def find_runtime() -> tuple[str, str | None]:
    """Return the runtime's package name and version, ('', None) where there is none."""
    import importlib.util

    for package in RUNTIMES:
        if importlib.util.find_spec(package.replace("-", "_")) is not None:
            return package, package_version(package)
    return "", None


def package_version(package: str) -> str | None:
    """Return the version of an installed package, None where that is not known."""
    try:
        from importlib.metadata import version
    except ImportError:  # Python 3.7
        return None
    try:
        return version(package)
    except Exception:
        return None


def import_interpreter() -> Any:
    """Return the module of the interpreter that is installed here.

    Raises:
        Refused: there is none, or it does not import.
    """
    package, _ = find_runtime()
    if not package:
        raise Refused("no-runtime", "neither ai-edge-litert nor tflite-runtime is installed")
    try:
        import importlib

        return importlib.import_module(package.replace("-", "_") + ".interpreter")
    except Exception as error:
        raise Refused("broken-runtime", f"{package} does not import: {error}") from error


class Model:
    """One interpreter, loaded and with its inputs set."""

    def __init__(self, module: Any, data: bytes, request: Json, threads: int) -> None:
        self._inputs = request["inputs"]
        self.batch = 1
        options: dict[str, Any] = {"model_content": data, "num_threads": threads}
        if not request["xnnpack"]:
            kinds = getattr(module, "OpResolverType", None)
            if kinds is None:
                raise Refused("no-resolver", "this runtime cannot switch XNNPACK off")
            options["experimental_op_resolver_type"] = kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        try:
            self.interpreter = module.Interpreter(**options)
            self.interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise Refused("model", str(error)) from error

    def feed(self) -> None:
        """Set every input to the bytes of the request."""
        import numpy as np

        details = self.interpreter.get_input_details()
        if len(details) != len(self._inputs):
            raise Refused("model", f"it has {len(details)} inputs")
        for detail, text in zip(details, self._inputs):
            raw = base64.b64decode(text)
            try:
                value = np.frombuffer(raw, detail["dtype"]).reshape(detail["shape"])
                self.interpreter.set_tensor(detail["index"], value)
            except ValueError as error:
                raise Refused("model", f"input {detail['name']}: {error}") from error

    def outputs(self) -> list[str]:
        """Return the bytes of every output, as base64."""
        details = self.interpreter.get_output_details()
        values = (self.interpreter.get_tensor(detail["index"]) for detail in details)
        return [base64.b64encode(value.tobytes()).decode("ascii") for value in values]

    def nodes(self) -> Json:
        """Return (name, inputs, outputs) of each node, delegates among them; None if unknown."""
        if not hasattr(self.interpreter, "_get_ops_details"):
            return None
        return [
            [node["op_name"], [int(i) for i in node["inputs"]], [int(i) for i in node["outputs"]]]
            for node in self.interpreter._get_ops_details()
        ]

    def time(self, runs: int, warmup: int) -> list[float]:
        """Return the nanoseconds of an inference in each of `runs`, after `warmup` others.

        A run is one inference; where that takes less than SHORTEST_NS, so that reading the clock
        would count, it is as many as take BATCH_NS.
        """
        invoke, clock = self.interpreter.invoke, time.perf_counter_ns
        for _ in range(warmup):
            invoke()
        start = clock()
        invoke()
        trial = 1 + clock() - start
        self.batch = BATCH_NS // trial if trial < SHORTEST_NS else 1
        batch, spans = range(self.batch), [0] * runs
        gc.disable()
        for run in range(runs):
            start = clock()
            for _ in batch:
                invoke()
            spans[run] = clock() - start
        gc.enable()
        return [span / self.batch for span in spans]


# --- the measurement, in the child ---------------------------------------------------------------


def measure(request: Json) -> Json:
    """Run the model as the request says; the first of its threads gives the main figures."""
    module = import_interpreter()
    with open(request["model"], "rb") as file:
        data = file.read()
    runtime, version = find_runtime()
    reply = {"facts": machine_facts(), "runtime": runtime, "runtime_version": version or "unknown"}
    reply.update({"before": machine_state(), "resident_bytes": memory_bytes("VmRSS")})
    start = time.perf_counter()
    main = Model(module, data, request, request["threads"][0])
    loaded = time.perf_counter()
    main.feed()
    ready = time.perf_counter()
    main.interpreter.invoke()
    reply["first_inference_s"] = time.perf_counter() - ready
    reply["outputs"] = main.outputs()
    reply["cold_start_s"] = time.monotonic() - request["started"]
    reply["load_s"] = loaded - start
    reply["nodes"] = main.nodes()
    spans = main.time(request["runs"], request["warmup"])
    timings = [[request["threads"][0], spans, main.batch]]
    reply["peak_rss_bytes"] = memory_bytes("VmHWM")
    for threads in request["threads"][1:]:
        other = Model(module, data, request, threads)
        other.feed()
        spans = other.time(request["runs"], request["warmup"] + 1)
        timings.append([threads, spans, other.batch])
    reply["timings"] = timings
    reply["prefixes"] = time_prefixes(module, data, request) if request.get("cut") else None
    reply["after"] = machine_state()
    return reply


def time_prefixes(module: Any, data: bytes, request: Json) -> list[float] | None:
    """Return the median seconds of the model's first 1, 2, .. operators; None out of time."""
    cut = request["cut"]
    end = time.monotonic() + cut["budget_s"]
    medians = []
    for count, outputs in enumerate(cut["outputs"], start=1):
        part = cut_model(data, cut, count, outputs)
        model = Model(module, part, request, request["threads"][0])
        model.feed()
        spans = model.time(cut["runs"], 2)
        more = min(MOST_RUNS, round(cut["each_s"] * 1e9 / max(1, min(spans)))) - len(spans)
        spans += model.time(max(0, more), 0)
        medians.append(sorted(spans)[len(spans) // 2] * 1e-9)
        if time.monotonic() > end and count < len(cut["outputs"]):
            return None
    return medians


def cut_model(data: bytes, cut: Json, count: int, outputs: list[int]) -> bytes:
    """Return the model with its first `count` operators and these outputs.

    Two words of the flatbuffer change: the length of the operators, and where the outputs stand;
    those are appended.
    """
    body = bytearray(data)
    body += bytes(-len(body) % 16)
    place = len(body)
    body += struct.pack(f"<I{len(outputs)}i", len(outputs), *outputs)
    struct.pack_into("<I", body, cut["length_at"], count)
    struct.pack_into("<I", body, cut["outputs_at"], place - cut["outputs_at"])
    return bytes(body)


# --- requests ------------------------------------------------------------------------------------


def probe(request: Json) -> Json:
    """Return the machine's facts and which packages it has, without importing them."""
    import importlib.util

    runtime, version = find_runtime()
    return {
        "facts": machine_facts(),
        "runtime": runtime,
        "runtime_version": version or "",
        "numpy": importlib.util.find_spec("numpy") is not None,
    }


def supervise(request: Json) -> Json:
    """Measure in a fresh process and return its answer; its death is one too."""
    argv = [*request.get("python", [sys.executable]), os.path.abspath(__file__), CHILD]
    request["started"] = time.monotonic()
    child = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    threading.Thread(target=end_with_host, args=(child,), daemon=True).start()
    out, errors = child.communicate(json.dumps(request).encode() + b"\n")
    for line in out.decode("utf-8", "replace").splitlines():
        if line.startswith(MARK):
            return json.loads(line[len(MARK) :])
    tail = errors.decode("utf-8", "replace").strip().splitlines()[-3:]
    raise Refused("died", f"exit status {child.returncode}; {'; '.join(tail)}")


def end_with_host(child: Any) -> None:
    """Wait until stdin ends, then end: nobody waits for the answer any more."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    child.kill()
    os._exit(GONE)


def hold(request: Json) -> Json:
    """Load the model and run it as often as each further line says, until stdin ends."""
    with open(request["model"], "rb") as file:
        model = Model(import_interpreter(), file.read(), request, request["threads"][0])
    model.feed()
    answer({"ready": True})
    for line in iter(sys.stdin.buffer.readline, b""):
        for _ in range(json.loads(line)["runs"]):
            model.interpreter.invoke()
        answer({"done": True})
    return {"ended": True}


def answer(reply: Json) -> None:
    """Write one answer."""
    sys.stdout.write("\n" + MARK + json.dumps(reply) + "\n")
    sys.stdout.flush()


VERBS = {"probe": probe, "bench": supervise, "hold": hold}


def main(arguments: list[str]) -> int:
    """Answer the request on stdin; exit status 0 wherever there was an answer."""
    request = json.loads(sys.stdin.buffer.readline())
    work = measure if CHILD in arguments else VERBS[request["verb"]]
    try:
        reply = work(request)
    except Refused as refusal:
        reply = {"refused": refusal.code, "detail": refusal.detail}
    except (ValueError, RuntimeError, MemoryError, OSError) as error:
        reply = {"refused": "failed", "detail": f"{type(error).__name__}: {error}"}
    answer(reply)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
