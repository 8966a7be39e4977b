# SPDX-License-Identifier: GPL-2.0-or-later
"""Translated programs and live maps, read by bpf(2), for instructions.py"""
import ctypes
import platform
import struct

MAP_LOOKUP, PROG_LOAD, OBJ_GET, MAP_BY_ID, INFO = 1, 5, 7, 14, 15       # commands of bpf(2)
ARRAY, PERCPU_ARRAY, XDP = 2, 6, 6              # types of maps, a type of programs
MASK = (1 << 64) - 1
libc = ctypes.CDLL(None, use_errno=True)


class Unknown(Exception):
    """The program does something that this file does not describe."""


def bpf(command, fmt, *values):
    """Bytes among the values are buffers: a copy is passed by its address. Returns the result, the argument, and the copies."""
    buffers = [ctypes.create_string_buffer(v, len(v)) for v in values if isinstance(v, bytes)]
    addresses = map(ctypes.addressof, buffers)
    words = [next(addresses) if isinstance(v, bytes) else v for v in values]
    attr = ctypes.create_string_buffer(struct.pack(fmt, *words), 144)
    got = libc.syscall(321, command, attr, len(attr))
    if got < 0:
        raise OSError(ctypes.get_errno(), "bpf(2), command %d" % command)
    return got, attr.raw, [b.raw for b in buffers]


def load(code):
    """Loads instructions: code, registers, offset and immediate of each. Returns a file descriptor."""
    return bpf(PROG_LOAD, "IIQQ", XDP, len(code), b"".join(struct.pack("<BBhi", *i) for i in code), b"GPL\0")[0]


def pinned(path):
    return bpf(OBJ_GET, "Q", path.encode() + b"\0")[0]


def translated(fd):
    size = struct.unpack_from("I", bpf(INFO, "IIQ", fd, 40, bytes(40))[2][0], 20)[0]
    code = ctypes.create_string_buffer(size)
    bpf(INFO, "IIQ", fd, 40, struct.pack("20xIQQ", size, 0, ctypes.addressof(code)))
    return list(struct.iter_unpack("<BBhi", code.raw))


class Kernel:
    """The functions that translated code calls, and the addresses of jiffies and of a CPU's number"""

    def __init__(self):
        if platform.machine() != "x86_64":
            raise Unknown("translated code of " + platform.machine())
        with open("/proc/kallsyms", encoding="ascii") as f:
            symbols = [line.split()[:3] for line in f]
        self.names = {int(address, 16): name for address, _, name in symbols}
        self.base = next(int(address, 16) for address, _, name in symbols if name == "__bpf_call_base")
        if not self.base:
            raise Unknown("addresses in /proc/kallsyms: kernel.kptr_restrict hides them")
        (op, _, _, low), (_, _, _, high) = translated(load([(0x85, 0, 0, 118), (0x95, 0, 0, 0)]))[:2]   # bpf_jiffies64()
        self.jiffies = low & 0xffffffff | (high & 0xffffffff) << 32 if op == 0x18 else None
        op, _, _, low = translated(load([(0x85, 0, 0, 8), (0x95, 0, 0, 0)]))[0]         # bpf_get_smp_processor_id()
        self.cpu_number = {0xb7: low & MASK, 0xb4: low & 0xffffffff}.get(op)

    def function(self, imm):
        return self.names.get(self.base + imm & MASK, "__bpf_call_base%+d" % imm).split(".")[0]

    @staticmethod
    def now():
        with open("/proc/timer_list", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("jiffies:"))


class Map:
    """A live map; values: copies of the elements that were used"""

    def __init__(self, ident, cpu):
        self.id, self.values = ident, {}
        self.fd = bpf(MAP_BY_ID, "I", ident)[0]
        self.type, _, _, size, self.entries = struct.unpack_from("5I", bpf(INFO, "IIQ", self.fd, 48, bytes(48))[2][0])
        self.stride = (size + 7) // 8 * 8
        with open("/sys/devices/system/cpu/possible", encoding="ascii") as f:
            cpus = int(f.read().replace(",", "-").split("-")[-1]) + 1
        self.cpus, self.own = (cpus, cpu * self.stride) if self.type == PERCPU_ARRAY else (1, 0)

    def read(self, key):
        return bpf(MAP_LOOKUP, "IIQQQ", self.fd, 0, struct.pack("I", key), bytes(self.stride * self.cpus), 0)[2][1]

    def value(self, place):
        if place not in self.values:
            self.values[place] = bytearray(self.read(place)[self.own:self.own + self.stride])
        return self.values[place]
