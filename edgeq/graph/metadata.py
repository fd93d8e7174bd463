"""What a .tflite file says beside its graph: where tensors shall lie in the arena."""

from __future__ import annotations

import numpy as np

from edgeq.graph.place import Place
from edgeq.graph.tensors import read_buffers
from edgeq.graph.verifier import verify

OFFLINE = b"OfflineMemoryAllocation"
# version, subgraph, number of offsets; then one offset for each tensor, -1 where it is free.
_HEAD = 3


def offline_offsets(data: bytes, name: str) -> dict[int, int]:
    """Return the offsets in bytes that the file gives its tensors, by tensor index.

    Source: "Offline planned memory" in micro/docs/memory_management.md of TensorFlow Lite Micro.

    Raises:
        InputError: the file is not sound; `name` is what errors call it.
    """
    verify(data, name)
    from ai_edge_litert.schema_py_generated import ModelT

    model = ModelT.InitFromPackedBuf(data, 0)
    place = Place(name)
    buffers = read_buffers(model, data, place)
    for i, entry in enumerate(model.metadata or ()):
        if entry.name == OFFLINE:
            at = place.at("metadata", i).at("buffer")
            raw = buffers[at.indexed(entry.buffer, len(buffers), "buffer")]
            tensors = len(model.subgraphs[0].tensors or ()) if model.subgraphs else 0
            return _decoded(raw.tobytes(), tensors, at)
    return {}


def _decoded(raw: bytes, tensors: int, place: Place) -> dict[int, int]:
    if len(raw) != 4 * (_HEAD + tensors):
        place.reject(f"{len(raw)} bytes of offsets for {tensors} tensors")
    values = [int(v) for v in np.frombuffer(raw, "<i4")]
    if values[2] != tensors:
        place.reject(f"{values[2]} offsets for {tensors} tensors")
    return {i: offset for i, offset in enumerate(values[_HEAD:]) if offset >= 0}
