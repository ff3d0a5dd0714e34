"""Kernels compiled ahead of time and linked, as in a program that is shipped, and called in this process.

The same schedule compiled in memory may take some percent more or less time: its code is laid out otherwise, and Halide's
runtime is another copy. The libraries lie in memory that has no name, so nothing is left behind however a process ends.
"""

from __future__ import annotations

import ctypes
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import halide as hl
import numpy as np

from autosearch.errors import ToolchainError
from autosearch.pipeline.ir import Algorithm, Type
from autosearch.pipeline.snapshot import numpy_type
from autosearch.toolchain import compile_cpp, runtime_library

_ENTRY = "autosearch_kernel"
_REPEAT = """
extern "C" int autosearch_repeat(int (*kernel)(void **), void **arguments, long times) {
    int status = 0;
    while (times-- > 0 && status == 0) status = kernel(arguments);
    return status;
}
"""
"""Calls a kernel as a C++ program does: nothing else happens between two calls."""
_Identity = tuple[int, int]


class _Type(ctypes.Structure):
    """`halide_type_t` of HalideRuntime.h."""

    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


class _Dimension(ctypes.Structure):
    """`halide_dimension_t` of HalideRuntime.h."""

    _fields_ = (
        ("min", ctypes.c_int32), ("extent", ctypes.c_int32), ("stride", ctypes.c_int32), ("flags", ctypes.c_uint32)
    )  # fmt: skip


class _Buffer(ctypes.Structure):
    """`halide_buffer_t` of HalideRuntime.h."""

    _fields_ = (
        ("device", ctypes.c_uint64), ("device_interface", ctypes.c_void_p), ("host", ctypes.c_void_p),
        ("flags", ctypes.c_uint64), ("type", _Type), ("dimensions", ctypes.c_int32),
        ("dim", ctypes.POINTER(_Dimension)), ("padding", ctypes.c_void_p),
    )  # fmt: skip


def runtime(target: str) -> str:
    """Where the library is that kernels for a target of this machine are linked with. Raises `ToolchainError`."""
    return str(runtime_library(hl.Target(target), _REPEAT))


class Runtime:
    """Halide's runtime as a library in this process, which all linked kernels share, thread pool and all."""

    def __init__(self, path: str) -> None:
        """Load it from where `runtime` says. Raises `ToolchainError`."""
        self.path = path
        self.message = ""
        """What the last error was that a kernel reported."""
        self._loaded: Counter[_Identity] = Counter()
        """How many kernels there are of each library."""
        self._files: dict[_Identity, int] = {}
        """Of those linked here, open as long as they are loaded."""
        try:
            self._library = ctypes.CDLL(path)
            self._handler = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)(self._keep)
            self._library.halide_set_error_handler(self._handler)  # its own ends the process
            self.repeat = self._library.autosearch_repeat
            self.repeat.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long)
        except (OSError, AttributeError) as error:
            raise ToolchainError(f"can't load Halide's runtime: {error}") from None

    def _keep(self, _: int, message: bytes) -> None:
        self.message = message.decode(errors="replace")

    def load(self, path: str, arguments: Sequence[Any]) -> LinkedKernel:
        """What was linked elsewhere, also in another process that goes on. Raises `ToolchainError`."""
        try:
            identity = _identity(path)
            if not self._loaded[identity] and _is_loaded(path):
                raise ToolchainError("can't load a kernel: another goes by its name still")
            library = ctypes.CDLL(path)
        except OSError as error:
            raise ToolchainError(f"can't load a kernel: {error}") from None
        self._loaded[identity] += 1
        return LinkedKernel(self, path, identity, library, [_scalar_type(one) for one in arguments])

    def unload(self, kernel: LinkedKernel) -> None:
        """Take a kernel that won't be called again out of this process."""
        _unload(kernel.loaded)
        self._loaded[kernel.identity] -= 1
        if not self._loaded[kernel.identity]:
            del self._loaded[kernel.identity]
            file = self._files.pop(kernel.identity, None)
            if file is not None:
                os.close(file)

    def link(self, pipeline: hl.Pipeline, arguments: Sequence[Any], target: hl.Target) -> LinkedKernel:
        """The pipeline compiled, linked and loaded. Raises what Halide raises, or `ToolchainError`."""
        wanted = target.with_feature(hl.TargetFeature.NoRuntime).without_feature(hl.TargetFeature.JIT)
        with _file("kernel.o") as made:
            pipeline.compile_to({hl.OutputFileType.object: made}, list(arguments), _ENTRY, wanted)
            with _file("kernel.so", keep=True) as linked:
                compile_cpp([made, self.path], Path(linked), ["-shared"])
                kernel = self.load(linked, arguments)
                self._files[kernel.identity] = int(Path(linked).name)
                return kernel


@contextmanager
def _file(name: str, keep: bool = False) -> Iterator[str]:
    """The path of a file in memory; closed in the end, or, to `keep` it, where something went wrong.

    What a library was loaded from stays open as long: the system takes two for one that were opened by the same name.
    Raises `ToolchainError` where there are no such files, or what is in one can't be loaded.
    """
    try:
        file = os.memfd_create(name)
    except (AttributeError, OSError) as error:
        raise ToolchainError(f"this system keeps no files in memory: {error}") from None
    path = f"/proc/{os.getpid()}/fd/{file}"
    try:
        if not os.path.exists(path):
            raise ToolchainError("this system has no /proc")
        yield path
    except OSError as error:
        keep = False
        raise ToolchainError(f"can't load a kernel: {error}") from None
    except BaseException:
        keep = False
        raise
    finally:
        if not keep:
            os.close(file)


def _identity(path: str) -> _Identity:
    """By which the system tells files apart, whatever names they go by."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _is_loaded(path: str) -> bool:
    """Whether there is a library by this name in the process, whatever is in the file by now."""
    try:
        _unload(ctypes.CDLL(path, os.RTLD_NOLOAD))
    except OSError:
        return False
    return True


def _unload(library: ctypes.CDLL) -> None:
    close = ctypes.CDLL(None).dlclose
    close.argtypes = (ctypes.c_void_p,)
    close(library._handle)


class LinkedKernel:
    """A kernel in this process; `on` says what to call it with."""

    def __init__(
        self,
        runtime: Runtime,
        path: str,
        identity: _Identity,
        library: ctypes.CDLL,
        kinds: Sequence[np.dtype[Any] | None],
    ) -> None:
        self.runtime = runtime
        self.library = path
        self.identity = identity
        self.loaded = library
        self.entry = getattr(library, f"{_ENTRY}_argv")
        self._kinds = kinds

    def close(self) -> None:
        """See `autosearch.measure.kernel.Kernel`."""
        self.runtime.unload(self)

    def on(self, arguments: Sequence[Any]) -> LinkedCall:
        """The call on these arguments: inputs, scalars among them, then outputs."""
        kinds = [*self._kinds, *[None] * (len(arguments) - len(self._kinds))]
        return LinkedCall(
            self, [_buffer(one) if kind is None else np.array(one, kind) for one, kind in zip(arguments, kinds, strict=True)]
        )


class LinkedCall:
    """A kernel and what it is called with."""

    def __init__(self, kernel: LinkedKernel, values: Sequence[Any]) -> None:
        self._kernel = kernel
        self._values = values
        """Which the pointers point to."""
        self._pointers = (ctypes.c_void_p * len(values))(*map(_address, values))

    def repeat(self, times: int) -> None:
        """Call it so often. Raises `RuntimeError` with what the kernel reports."""
        runtime = self._kernel.runtime
        if runtime.repeat(self._kernel.entry, self._pointers, times):
            raise RuntimeError(runtime.message)

    def overhead(self, algorithm: Algorithm, target: str) -> float:
        """None: the calls are made as in C++."""
        return 0.0


def _scalar_type(argument: Any) -> np.dtype[Any] | None:
    """None for a buffer."""
    if argument.kind != hl.ArgumentKind.InputScalar:
        return None
    return numpy_type(Type(argument.type.code().name.lower(), argument.type.bits()))


def _buffer(buffer: Any) -> tuple[_Buffer, Any]:
    """What Halide's C interface takes, and what must live as long."""
    kind = buffer.type()
    dims = [buffer.dim(number) for number in range(buffer.dimensions())]
    dimensions = (_Dimension * len(dims))(*[_Dimension(one.min(), one.extent(), one.stride(), 0) for one in dims])
    array = np.asarray(buffer)
    described = _Buffer(
        host=array.ctypes.data, type=_Type(kind.code().value, kind.bits(), 1), dimensions=len(dims), dim=dimensions
    )
    return described, array


def _address(value: Any) -> int:
    return ctypes.addressof(value[0]) if isinstance(value, tuple) else int(value.ctypes.data)
