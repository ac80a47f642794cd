"""Values cut out of a block of bytes, whole columns at a time.

Comes in: a block as a server sends it, and where each value of a column begins and ends. Goes out: the
values as an Arrow array, without a Python object for any of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Positions = npt.NDArray[np.int64]


def gather(buffer: pa.Buffer, starts: Positions, ends: Positions, is_null: Any) -> pa.Array:
    """The bytes from each start to its end, copied into an array of their own.

    Starts and ends, by turns, are the offsets of an array over the whole block in which every second element
    is a value and the others are what lies between; those are left behind.
    """
    offsets = np.empty((len(starts), 2), np.int64)
    offsets[:, 0], offsets[:, 1] = starts, ends
    valid = None
    if is_null is not None:
        valid = pa.py_buffer(np.packbits(np.repeat(~is_null, 2), bitorder="little"))
    kind = pa.large_binary()
    if len(buffer) < 2**31:
        kind, offsets = pa.binary(), offsets.astype(np.int32)
    values = pa.Array.from_buffers(kind, 2 * len(starts) - 1, [valid, pa.py_buffer(offsets.ravel()), buffer])
    return values.take(pa.array(np.arange(0, 2 * len(starts), 2)))
