"""Write Resemblyzer's speaker encoder to ONNX, without torch.

    python -m pipeline.providers.offline.speaker_encoder_export [--out var/models]

The weights come out of the ``pretrained.pt`` inside the installed wheel (Apache-2.0);
the network is three LSTM layers, a linear layer, ReLU and an L2 norm, after Wan et al.,
"Generalized end-to-end loss for speaker verification" (2018). Two graphs are written:
fp32, and int8 with the LSTM layers quantised dynamically, all but the first, whose inputs
are raw mel powers with too wide a range for eight bits.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import pickle
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import onnx

RESEMBLYZER_VERSION = "0.1.4"
SOURCE_SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
"""Checksum of ``pretrained.pt`` in the wheel that requirements pin."""

N_MELS = 40
HIDDEN = 256
LAYERS = 3
_FORMAT = 1
"""Raised whenever the graphs change, so that older exports are written anew."""

_MANIFEST = f"resemblyzer-{RESEMBLYZER_VERSION}.json"
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_MAX_STORAGE_VALUES = 16_000_000

Floats = npt.NDArray[np.float32]
Weights = dict[str, Floats]


class ExportError(Exception):
    """The weights are missing or are not the ones this exporter knows."""


def model_file(precision: str) -> str:
    """File name of the exported model; ``precision`` is "fp32" or "int8"."""
    return f"resemblyzer-{RESEMBLYZER_VERSION}-{precision}.onnx"


def weights_path() -> Path:
    """``pretrained.pt`` of the installed wheel; the package itself is not imported."""
    spec = importlib.util.find_spec("resemblyzer")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "pretrained.pt"
        if path.is_file():
            return path
    raise ExportError(
        "the speaker encoder's weights are not installed; run: "
        "pip install --no-deps -r requirements/wheels-without-dependencies.txt"
    )


# -- reading the checkpoint ---------------------------------------------------------------

_STORAGE_DTYPES = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}


class _Storage:
    """A flat run of values that follows the pickles; filled after the object is built."""

    def __init__(self, dtype: np.dtype[Any], size: int) -> None:
        self.dtype = dtype
        self.size = size
        self.values: npt.NDArray[Any] | None = None


class _Tensor:
    """Where a tensor's values lie in its storage."""

    def __init__(
        self,
        storage: _Storage,
        offset: int,
        shape: tuple[int, ...],
        stride: tuple[int, ...],
        *_: object,
    ) -> None:
        self.storage, self.offset, self.shape, self.stride = storage, offset, shape, stride

    def array(self) -> npt.NDArray[Any]:
        values = self.storage.values
        if values is None or any(n < 0 for n in (self.offset, *self.shape, *self.stride)):
            raise ExportError("the checkpoint holds a tensor without values")
        last = self.offset + sum(
            (n - 1) * step for n, step in zip(self.shape, self.stride, strict=True)
        )
        if last >= len(values):
            raise ExportError("the checkpoint holds a tensor that exceeds its storage")
        view = np.lib.stride_tricks.as_strided(
            values[self.offset :],
            shape=self.shape,
            strides=tuple(step * values.itemsize for step in self.stride),
        )
        return view.copy()


class _CheckpointUnpickler(pickle.Unpickler):
    """Builds dictionaries and tensor markers and nothing else: a pickle can run code."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in {"_rebuild_tensor", "_rebuild_tensor_v2"}:
            return _Tensor
        if module == "torch" and name in _STORAGE_DTYPES:
            return _STORAGE_DTYPES[name]
        raise ExportError(f"the checkpoint names {module}.{name}, which weights never need")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _location, size = pid[:5]
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise ExportError("the checkpoint refers to something that is not a storage")
        if not 0 <= int(size) <= _MAX_STORAGE_VALUES:
            raise ExportError("the checkpoint holds a storage of impossible size")
        return self.storages.setdefault(str(key), _Storage(dtype, int(size)))


def read_checkpoint(file: IO[bytes]) -> dict[str, Any]:
    """A torch checkpoint in the legacy layout, its tensors as numpy arrays.

    The layout is four pickles (magic, protocol, system, object), a pickled list of storage
    keys, then for each key an int64 count and the raw little-endian values. Raises
    ExportError for anything else.
    """
    try:
        if _CheckpointUnpickler(file).load() != _MAGIC:
            raise ExportError("this is not a torch checkpoint in the legacy layout")
        if _CheckpointUnpickler(file).load() != _PROTOCOL:
            raise ExportError("this torch checkpoint has an unknown protocol")
        _CheckpointUnpickler(file).load()
        unpickler = _CheckpointUnpickler(file)
        tree = unpickler.load()
        for key in _CheckpointUnpickler(file).load():
            _fill(unpickler.storages[str(key)], file)
    except (pickle.UnpicklingError, EOFError, KeyError, ValueError, TypeError, IndexError) as error:
        raise ExportError(f"the checkpoint is damaged: {error}") from error
    if not isinstance(tree, dict):
        raise ExportError("the checkpoint does not hold a dictionary")
    arrays = _arrays(tree)
    assert isinstance(arrays, dict)
    return arrays


def _fill(storage: _Storage, file: IO[bytes]) -> None:
    count = int.from_bytes(file.read(8), "little", signed=True)
    if count != storage.size:
        raise ExportError("the checkpoint's storages do not match their descriptions")
    raw = file.read(count * storage.dtype.itemsize)
    if len(raw) != count * storage.dtype.itemsize:
        raise ExportError("the checkpoint ends too early")
    storage.values = np.frombuffer(raw, storage.dtype)


def _arrays(node: Any) -> Any:
    if isinstance(node, _Tensor):
        return node.array()
    if isinstance(node, dict):
        return {key: _arrays(value) for key, value in node.items()}
    return node


def read_weights(path: Path) -> Weights:
    """The encoder's parameters by torch's names, shapes checked."""
    with path.open("rb") as file:
        state = read_checkpoint(file).get("model_state")
    if not isinstance(state, dict):
        raise ExportError("the checkpoint has no model_state")
    wanted: dict[str, tuple[int, ...]] = {
        "linear.weight": (HIDDEN, HIDDEN),
        "linear.bias": (HIDDEN,),
    }
    for layer in range(LAYERS):
        wanted[f"lstm.weight_ih_l{layer}"] = (4 * HIDDEN, HIDDEN if layer else N_MELS)
        wanted[f"lstm.weight_hh_l{layer}"] = (4 * HIDDEN, HIDDEN)
        wanted[f"lstm.bias_ih_l{layer}"] = wanted[f"lstm.bias_hh_l{layer}"] = (4 * HIDDEN,)
    weights: Weights = {}
    for name, shape in wanted.items():
        array = state.get(name)
        if not isinstance(array, np.ndarray) or array.shape != shape:
            raise ExportError(f"the checkpoint's {name} is missing or has the wrong shape")
        if not np.isfinite(array).all():
            raise ExportError(f"the checkpoint's {name} holds values that are not numbers")
        weights[name] = np.ascontiguousarray(array, np.float32)
    return weights


# -- writing the graphs -------------------------------------------------------------------


def build_graph(weights: Weights) -> onnx.ModelProto:
    """fp32 graph: ``mels`` (batch, frames, 40) → ``embedding`` (batch, 256), L2 norm 1."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    constants: Weights = {
        "linear_w": np.ascontiguousarray(weights["linear.weight"].T),
        "linear_b": weights["linear.bias"],
    }
    nodes = [helper.make_node("Transpose", ["mels"], ["time_major"], perm=[1, 0, 2])]
    axes = {"direction_axis": np.array([1], np.int64), "first_axis": np.array([0], np.int64)}
    below = "time_major"
    for layer in range(LAYERS):
        constants[f"w{layer}"] = _gates(weights[f"lstm.weight_ih_l{layer}"])[None]
        constants[f"r{layer}"] = _gates(weights[f"lstm.weight_hh_l{layer}"])[None]
        biases = [_gates(weights[f"lstm.bias_{kind}_l{layer}"]) for kind in ("ih", "hh")]
        constants[f"b{layer}"] = np.concatenate(biases)[None]
        last = layer == LAYERS - 1
        outputs = ["", "last_hidden"] if last else [f"all{layer}"]
        nodes.append(
            helper.make_node(
                "LSTM",
                [below, f"w{layer}", f"r{layer}", f"b{layer}"],
                outputs,
                name=f"lstm{layer}",
                hidden_size=HIDDEN,
            )
        )
        if not last:
            below = f"hidden{layer}"
            nodes.append(helper.make_node("Squeeze", [f"all{layer}", "direction_axis"], [below]))
    nodes += [
        helper.make_node("Squeeze", ["last_hidden", "first_axis"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "linear_w"], ["product"], name="linear"),
        helper.make_node("Add", ["product", "linear_b"], ["projected"]),
        helper.make_node("Relu", ["projected"], ["raw"]),
        helper.make_node("LpNormalization", ["raw"], ["embedding"], axis=1, p=2),
    ]
    graph = helper.make_graph(
        nodes,
        "speaker_encoder",
        [helper.make_tensor_value_info("mels", TensorProto.FLOAT, ["batch", "frames", N_MELS])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", HIDDEN])],
        [
            numpy_helper.from_array(np.asarray(array), name)
            for name, array in {**constants, **axes}.items()
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="live-dubbing"
    )
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def _gates(array: Floats) -> Floats:
    """Rows from torch's gate order (input, forget, cell, output) to ONNX's (i, o, f, c)."""
    i, f, c, o = np.split(array, 4)
    return np.concatenate([i, o, f, c])


def quantize(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with eight-bit weights and activations in every LSTM but the first.

    One scale per gate row. The weights are unsigned around 128 and not signed: without
    VNNI instructions the signed kernels saturate their 16-bit sums, which costs more
    precision than all of the rounding (cosine .996 instead of .9995 at worst).
    """
    import onnx
    from onnx import helper, numpy_helper

    quantized = onnx.ModelProto()
    quantized.CopyFrom(model)
    graph = quantized.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type != "LSTM" or node.name == "lstm0":
            continue
        scales: list[str] = []
        for name in node.input[1:3]:
            floats = numpy_helper.to_array(constants[name])
            scale = np.abs(floats).max(axis=2) / 127
            rounded = np.round(floats / scale[..., None]).astype(np.int16) + 128
            values = np.ascontiguousarray(rounded.astype(np.uint8).transpose(0, 2, 1))
            constants[name].CopyFrom(numpy_helper.from_array(values, name))
            graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
            zero = np.full(scale.shape, 128, np.uint8)
            graph.initializer.append(numpy_helper.from_array(zero, f"{name}_zero"))
            scales += [f"{name}_scale", f"{name}_zero"]
        node.op_type, node.domain = "DynamicQuantizeLSTM", "com.microsoft"
        # Sequence lengths, initial states and peepholes are optional and stay out.
        node.input.extend(["", "", "", "", *scales])
    quantized.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return quantized


# -- the files ----------------------------------------------------------------------------


def export(folder: Path) -> dict[str, Path]:
    """Write both models into ``folder`` unless they are there already; paths by precision.

    Each file appears whole or not at all, and two set-ups at once do no harm. Raises
    ExportError when the weights are missing or are not the pinned ones.
    """
    source = weights_path()
    digest = _sha256(source)
    if digest != SOURCE_SHA256:
        raise ExportError(
            f"the speaker encoder's weights differ from Resemblyzer {RESEMBLYZER_VERSION}; run: "
            "pip install --no-deps --force-reinstall "
            "-r requirements/wheels-without-dependencies.txt"
        )
    paths = {precision: folder / model_file(precision) for precision in ("fp32", "int8")}
    if _is_current(folder, paths, digest):
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as scratch_name:
        scratch = Path(scratch_name)
        fp32, int8, manifest = scratch / "fp32.onnx", scratch / "int8.onnx", scratch / "manifest"
        model = build_graph(read_weights(source))
        fp32.write_bytes(model.SerializeToString(deterministic=True))
        int8.write_bytes(quantize(model).SerializeToString(deterministic=True))
        record = {
            "format": _FORMAT,
            "source_sha256": digest,
            "files": {paths["fp32"].name: _sha256(fp32), paths["int8"].name: _sha256(int8)},
        }
        manifest.write_text(json.dumps(record, indent=1), "utf-8")
        fp32.replace(paths["fp32"])
        int8.replace(paths["int8"])
        manifest.replace(folder / _MANIFEST)
    return paths


def _is_current(folder: Path, paths: dict[str, Path], digest: str) -> bool:
    try:
        record = json.loads((folder / _MANIFEST).read_text("utf-8"))
        return (
            record["format"] == _FORMAT
            and record["source_sha256"] == digest
            and all(_sha256(path) == record["files"][path.name] for path in paths.values())
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(argv: list[str] | None = None, say: Callable[[str], object] = print) -> int:
    parser = argparse.ArgumentParser(description="Write the speaker encoder to ONNX.")
    parser.add_argument("--out", type=Path, default=Path("var/models"), help="target folder")
    try:
        paths = export(parser.parse_args(argv).out)
    except ExportError as error:
        parser.exit(1, f"{error}\n")
    for path in paths.values():
        say(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
