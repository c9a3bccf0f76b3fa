# The compiled module (bindings/python): ffi and lib of cffi, whose members are made from the C API's header.
from typing import Any

ffi: Any
lib: Any
