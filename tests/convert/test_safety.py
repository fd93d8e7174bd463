"""Model files that carry code, links or bombs are refused before Keras sees them."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from edgeq.convert.safety import check_config, scan_keras, scan_saved_model, scan_source
from edgeq.core.errors import EdgeqError, InputError

DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}


def archive(path: Path, members: dict[str, bytes], config: Any = DENSE) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in {"config.json": json.dumps(config).encode(), **members}.items():
            file.writestr(name, data)
    return path


def wrap(layer: dict[str, Any]) -> dict[str, Any]:
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}}


def test_plain_layers_pass(tmp_path: Path) -> None:
    scan_keras(archive(tmp_path / "a.keras", {}, wrap(DENSE)))


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        ({"class_name": "Lambda", "module": "keras.layers", "config": {}}, "Lambda"),
        ({"class_name": "Lambda", "config": {}}, "Lambda"),
        ({"class_name": "__lambda__", "config": {"value": "4wEA"}}, "__lambda__"),
        ({"class_name": "TFSMLayer", "module": "keras.layers", "config": {}}, "TFSMLayer"),
        ({"class_name": "Evil", "module": "os", "config": {}}, "module os"),
        ({"class_name": "function", "module": "builtins", "config": "eval"}, "builtins"),
        ({"class_name": "E", "module": "keras", "registered_name": "me>E"}, "me>E"),
        ({"class_name": "me>Lambda", "config": {}}, "Lambda"),
        ({"class_name": "me>Other", "config": {}}, "me>Other"),
        ({"class_name": "Dense", "module": "kerasevil.layers", "config": {}}, "kerasevil"),
        ({**DENSE, "config": {"activation": {"class_name": "__lambda__"}}}, "__lambda__"),
    ],
)
def test_code_in_a_config_is_refused(tmp_path: Path, layer: dict[str, Any], named: str) -> None:
    path = archive(tmp_path / "a.keras", {}, wrap(layer))
    with pytest.raises(InputError, match=named):
        scan_source(path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "1", "[" * 100_000, '{"a":' * 500 + "1" + "}" * 500]
)
def test_a_config_that_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        check_config(Path("a.keras"), text)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "..\\x", "C:/x"])
def test_members_that_lead_outside_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="outside"):
        scan_keras(archive(tmp_path / "a.keras", {name: b""}))


def test_symbolic_links_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.keras", {})
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="symbolic link"):
        scan_keras(path)


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unpacks"):
        scan_keras(archive(tmp_path / "a.keras", {"assets/zeros": bytes(8 << 20)}))


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="members"):
        scan_keras(archive(tmp_path / "a.keras", {f"m{i}": b"" for i in range(1001)}))


@pytest.mark.parametrize("cut", [0, 10, 60, -5])
def test_damaged_archives_are_refused(tmp_path: Path, cut: int) -> None:
    path = archive(tmp_path / "a.keras", {})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match="damaged"):
        scan_keras(path)


def test_a_saved_model_that_reads_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x0a\x01n\x12\x08ReadFile\x1a\x01a")
    with pytest.raises(InputError, match="ReadFile"):
        scan_saved_model(tmp_path)


def test_a_saved_model_with_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    (tmp_path / "variables").symlink_to("/")
    with pytest.raises(InputError, match="link"):
        scan_saved_model(tmp_path)


@pytest.mark.parametrize("name", ["model.pkl", "model.onnx", "model", "empty.tflite"])
def test_other_files_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError):
        scan_source(tmp_path / name)


def hdf5() -> Any:
    return pytest.importorskip("h5py")


def test_an_h5_with_a_lambda_is_refused(tmp_path: Path) -> None:
    with hdf5().File(tmp_path / "a.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(wrap({"class_name": "Lambda", "config": {}}))
    with pytest.raises(InputError, match="Lambda"):
        scan_source(tmp_path / "a.h5")


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_links_to_other_hdf5_files_are_refused(tmp_path: Path, suffix: str) -> None:
    h5py = hdf5()
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = json.dumps(DENSE)
        file["w"] = h5py.ExternalLink("/etc/secret.h5", "/")
    path = tmp_path / f"a{suffix}"
    if suffix == ".h5":
        path.write_bytes(buffer.getvalue())
    else:
        archive(path, {"model.weights.h5": buffer.getvalue()})
    with pytest.raises(InputError, match="link"):
        scan_source(path)


def test_a_shape_bomb_is_refused(tmp_path: Path) -> None:
    with hdf5().File(tmp_path / "a.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(DENSE)
        file.create_dataset("w", (1 << 20, 1 << 20), "f4", chunks=(1 << 10, 1 << 10))
    with pytest.raises(InputError, match="2 GiB"):
        scan_source(tmp_path / "a.h5")


def test_weights_without_a_model_are_refused(tmp_path: Path) -> None:
    with hdf5().File(tmp_path / "a.h5", "w") as file:
        file["w"] = [1.0]
    with pytest.raises(EdgeqError, match="without a model"):
        scan_source(tmp_path / "a.h5")
