# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts the instructions of a packet. Executes the translated program of the kernel on one frame, with copies of the live
maps, so that the maps stay as they are. The count contains what the verifier inlined, and not what it removed. A 64-bit
immediate counts as one instruction, and a function of the kernel as its call. The cache lines are those of the values of
maps, as if each array and each per-CPU value began at a line.

The code is what Linux 6.1 to 6.18 makes on x86-64. Any other instruction, function or memory access raises Unknown."""
import collections
import operator
import os
import struct

from translated import ARRAY, MASK, PERCPU_ARRAY, Map, Unknown, translated

REGION, HEADROOM = 44, 256                      # an address: number of the region << REGION | offset
PERCPU = 1 << 62                                # marks an address before BPF_MOV64_PERCPU
SIZES = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}
Result = collections.namedtuple("Result", "instructions helpers lines verdict tail_call frame")


def signed(x, bits):
    return (x & (1 << bits) - 1) - ((x >> bits - 1 & 1) << bits)


ALU = {0x00: lambda x, y, b: x + y, 0x10: lambda x, y, b: x - y, 0x20: lambda x, y, b: x * y, 0x40: lambda x, y, b: x | y,
       0x30: lambda x, y, b: x // y if y else 0, 0x50: lambda x, y, b: x & y, 0x60: lambda x, y, b: x << (y & b - 1),
       0x70: lambda x, y, b: x >> (y & b - 1), 0x80: lambda x, y, b: -x, 0x90: lambda x, y, b: x % y if y else x,
       0xa0: lambda x, y, b: x ^ y, 0xb0: lambda x, y, b: y, 0xc0: lambda x, y, b: signed(x, b) >> (y & b - 1)}
JUMPS = {0x10: operator.eq, 0x20: operator.gt, 0x30: operator.ge, 0x40: operator.and_, 0x50: operator.ne, 0xa0: operator.lt,
         0xb0: operator.le, 0x60: operator.gt, 0x70: operator.ge, 0xc0: operator.lt, 0xd0: operator.le}
SIGNED_JUMPS = 0x60, 0x70, 0xc0, 0xd0


class Machine:
    """Executes one program as this CPU would at this time, for packets from this device"""

    def __init__(self, fd, kernel, cpu, ifindex):
        self.code, self.kernel, self.cpu, self.ifindex, self.now = translated(fd), kernel, cpu, ifindex, kernel.now()
        self.maps, self.regions, self.named, self.lines = {}, [], {}, set()

    def close(self):
        for m in self.maps.values():
            os.close(m.fd)

    # ---- memory: a region is bytes, or a function that returns bytes and an offset in them for an offset and a length ----

    def region(self, what, name=None):
        """Returns its address, which is the same for the same name."""
        if name is None or name not in self.named:
            self.regions.append(what)
            self.named[name] = len(self.regions) << REGION
        return self.named[name]

    def find(self, address, n):
        number, at = address >> REGION, address & (1 << REGION) - 1
        if not 0 < number <= len(self.regions):
            raise Unknown("memory access at %#x" % address)
        what = self.regions[number - 1]
        data, at = what(at, n) if callable(what) else (what, at)
        if at + n > len(data):
            raise Unknown("memory access to %d bytes at %d of %d" % (n, at, len(data)))
        return data, at

    def read(self, address, n):
        data, at = self.find(address, n)
        return int.from_bytes(data[at:at + n], "little")

    def write(self, address, n, value):
        data, at = self.find(address, n)
        data[at:at + n] = (value & (1 << 8 * n) - 1).to_bytes(n, "little")

    def map(self, ident):
        """The address of a map. Nothing is read there: an inlined lookup adds the offset of the values to it."""
        address = self.region(b"", ("map", ident))
        if address not in self.maps:
            self.maps[address] = Map(ident, self.cpu)
        return address

    def element(self, m, place):
        """The address of an element; 0: there is none"""
        if place >= m.entries:
            return 0
        if m.type == ARRAY:
            return self.elements(m) + place * m.stride
        return self.region(lambda at, n: self.value(m, place, at, n), (m.id, place))

    def value(self, m, place, at, n):
        first = at + (place * m.stride if m.type == ARRAY else 0)
        self.lines.update((m.id, m.type == ARRAY or place, i >> 6) for i in (first, first + n - 1))
        return m.value(place), at

    def elements(self, m):
        """The address of an array's elements, or of the pointers to those of each CPU"""
        def find(at, n):
            if m.type == ARRAY and at // m.stride < m.entries:
                return self.value(m, at // m.stride, at % m.stride, n)
            if m.type == PERCPU_ARRAY and at % 8 == 0:
                return struct.pack("Q", PERCPU | self.element(m, at // 8)), 0
            raise Unknown("access to elements of map %d of type %d" % (m.id, m.type))
        return self.region(find, ("elements", m.id))

    def percpu(self, x):
        if x == self.kernel.cpu_number:
            return self.region(struct.pack("I", self.cpu), "cpu")
        if x >> 62 != 1:
            raise Unknown("per-CPU address %#x" % x)
        return x ^ PERCPU

    def immediate(self, kind, low, high):
        low, high = low & 0xffffffff, high & 0xffffffff
        value = low | high << 32
        if kind in (1, 2):
            return self.map(low) if kind == 1 else self.elements(self.maps[self.map(low)]) + high
        if kind:
            raise Unknown("64-bit immediate of kind %d" % kind)
        return self.region(struct.pack("Q", self.now), "jiffies") if value == self.kernel.jiffies else value

    # ---- functions of the kernel ----

    def call(self, name, a, b, c):
        if name in ("array_map_lookup_elem", "percpu_array_map_lookup_elem"):
            return self.element(self.maps[a], self.read(b, 4))
        if name in ("dev_map_redirect", "dev_hash_map_redirect"):
            try:
                return 4 if self.maps[a].read(b & 0xffffffff) else 0
            except OSError:
                return c & 3
        if name == "bpf_xdp_adjust_head":
            self.data += signed(b, 32)
            if not 64 <= self.data <= len(self.packet) - 14:
                raise Unknown("too little room for bpf_xdp_adjust_head")
            for member in (0, 16):
                self.write(self.context + member, 8, self.start + self.data)
            return 0
        self.random |= name == "bpf_user_rnd_u32"
        simple = {"bpf_user_rnd_u32": 4, "bpf_get_smp_processor_id": self.cpu, "bpf_jiffies64": self.now,
                  "bpf_xdp_get_buff_len": len(self.packet) - self.data}
        if name not in simple:
            raise Unknown("function " + name)
        return simple[name]

    # ---- instructions ----

    def alu(self, op, x, y, off):
        o, bits = op & 0xf0, 64 if op & 7 == 7 else 32
        x, y = x & (1 << bits) - 1, y & (1 << bits) - 1
        if o == 0xb0 and op & 8 and off in (-1, 8, 16, 32):
            return self.percpu(y) if off == -1 else signed(y, off) & (1 << bits) - 1
        if o == 0xd0 and not off:           # bswap, or to big or to little endian
            part = (x & (1 << y) - 1).to_bytes(y // 8, "little")
            return int.from_bytes(part, "big" if bits == 64 or op & 8 else "little")
        if off or o not in ALU:
            raise Unknown("opcode %#x, offset %d" % (op, off))
        if op == 0x07 and x in self.maps:
            return self.elements(self.maps[x])
        return ALU[o](x, y, bits) & (1 << bits) - 1

    def memory(self, R, op, d, r, off, imm):
        """A load, a store, an atomic addition or compare-and-exchange"""
        n, mode, at = SIZES[op & 0x18], op & 0xe0, (R[r if op & 7 == 1 else d] + off) & MASK
        if op & 7 == 1 and mode in (0x60, 0x80):
            R[d] = self.read(at, n) if mode == 0x60 else signed(self.read(at, n), 8 * n) & MASK
        elif mode == 0x60:
            self.write(at, n, imm if op & 7 == 2 else R[r])
        elif op & 7 == 3 and mode == 0xc0 and imm in (0, 1, 0xf1):
            old = self.read(at, n)
            self.write(at, n, old + R[r] if imm < 2 else R[r] if old == R[0] & (1 << 8 * n) - 1 else old)
            if imm:
                R[r if imm == 1 else 0] = old
        else:
            raise Unknown("opcode %#x, immediate %#x" % (op, imm))

    def begin(self, frame):
        """Makes struct xdp_buff: data, data_end, data_meta, data_hard_start, rxq; there the device, and its ifindex."""
        def device(at, n):
            return struct.pack("I", self.ifindex), n - 4
        self.packet, self.data = bytearray(HEADROOM) + frame, HEADROOM
        self.start = self.region(self.packet)
        rxq = self.region(struct.pack("Q", self.region(device)))
        self.context = self.region(bytearray(struct.pack("5Q", self.start + HEADROOM, self.start + len(self.packet),
                                                         self.start + HEADROOM, self.start, rxq)))
        self.lines, self.random = set(), False

    def run(self, frame):
        """Returns a Result. Its frame is as the program left it, or None if the program asked for a random number."""
        self.begin(frame)
        R, pc, n, helpers, frames = [0] * 12, 0, 0, 0, []
        R[1], R[10] = self.context, self.region(bytearray(512)) + 512
        while True:
            op, regs, off, imm = self.code[pc]
            d, r, kind, n, pc = regs & 15, regs >> 4, op & 7, n + 1, pc + 1
            if op == 0x18:
                R[d], pc = self.immediate(r, imm, self.code[pc][3]), pc + 1
            elif kind in (1, 2, 3):
                self.memory(R, op, d, r, off, imm)
            elif kind in (4, 7):
                R[d] = self.alu(op, R[d], R[r] if op & 8 and op & 0xf0 != 0xd0 else imm, off)
            elif op == 0x85 and r == 1:         # another part of the program
                frames.append((pc, R[6:11]))
                R[10], pc = self.region(bytearray(512)) + 512, pc + off
            elif op == 0x85 and r == 0:
                helpers += 1
                if imm == 12:
                    return Result(n, helpers, len(self.lines), None, True, None)
                R[0] = self.call(self.kernel.function(imm), *R[1:4])
            elif op == 0x95 and frames:
                pc, R[6:11] = frames.pop()
            elif op == 0x95:
                left = None if self.random else bytes(self.packet[self.data:])
                return Result(n, helpers, len(self.lines), R[0] & 0xffffffff, False, left)
            elif op in (0x05, 0x06):
                pc += off if op == 0x05 else imm
            elif kind in (5, 6) and op & 0xf0 in JUMPS:
                bits = 64 if kind == 5 else 32
                x, y = (v & (1 << bits) - 1 for v in (R[d], R[r] if op & 8 else imm))
                if op & 0xf0 in SIGNED_JUMPS:
                    x, y = signed(x, bits), signed(y, bits)
                pc += off if JUMPS[op & 0xf0](x, y) else 0
            else:
                raise Unknown("opcode %#x, registers %#x, immediate %#x" % (op, regs, imm))
