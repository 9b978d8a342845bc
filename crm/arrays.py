"""Arrays and sparse matrices as bytes and back, without running anything that is in them (no pickle)."""

import io
import json
import zipfile
from typing import Any

import numpy as np
from scipy import sparse

_PARTS = ("data", "indices", "indptr")


def pack(content: dict[str, Any]) -> bytes:
    """Arrays, sparse matrices (kept as csr) and whatever else JSON can hold, by name."""
    arrays: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    for name, value in content.items():
        if sparse.issparse(value):
            matrix = value.tocsr()
            arrays |= {f"{name}.{part}": getattr(matrix, part) for part in _PARTS}
            arrays[f"{name}.shape"] = np.array(matrix.shape)
        elif isinstance(value, np.ndarray):
            arrays[name] = value
        else:
            plain[name] = value
    arrays[".plain"] = np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def unpack(content: bytes) -> dict[str, Any]:
    """What `pack` packed. Raises ValueError where it is something else."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (EOFError, zipfile.BadZipFile) as broken:
        raise ValueError("this is cut short") from broken
    found: dict[str, Any] = json.loads(arrays.pop(".plain").tobytes())
    for name in [n.removesuffix(".shape") for n in arrays if n.endswith(".shape")]:
        shape = tuple(int(side) for side in arrays.pop(f"{name}.shape"))
        data, indices, indptr = (arrays.pop(f"{name}.{part}") for part in _PARTS)
        found[name] = sparse.csr_matrix((data, indices, indptr), shape=shape)
    return found | arrays
