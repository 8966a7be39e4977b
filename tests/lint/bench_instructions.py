#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# `scripts/bench --instructions` counts each program below as a person does, and computes the kernel's verdict and frame.
# It leaves the maps as they are, and names an instruction or a function that it does not know. BREAK=1 expects one
# instruction more.
import os
import struct
import sys

sys.dont_write_bytecode = True
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, "tests/bench")
from instructions import Machine  # noqa: E402 pylint: disable=wrong-import-position
from translated import ARRAY, PERCPU_ARRAY, Kernel, Map, Unknown, bpf, load  # noqa: E402 pylint: disable=wrong-import-position

MAP_CREATE, MAP_UPDATE, TEST_RUN = 0, 2, 10
CPU = max(os.sched_getaffinity(0))
FRAME = bytes(range(64))
INGRESS = 1                     # the loopback device, which BPF_PROG_TEST_RUN takes
R0, R1, R2, R3, R4, R6, R7, R8, FP = 0, 1, 2, 3, 4, 6, 7, 8, 10


def mov(to, value):
    return (0xb7, to, 0, value)


def copy(to, of):
    return (0xbf, to | of << 4, 0, 0)


def load32(to, of, at):
    return (0x61, to | of << 4, at, 0)


def call(helper):
    return (0x85, 0, 0, helper)


EXIT, JIFFIES, CPU_NUMBER = (0x95, 0, 0, 0), call(118), call(8)
# r3 = data; r0 = 0; end if there are less than 14 bytes: 6 instructions, and 1 of exit
BEGIN = [copy(R6, R1), load32(R2, R6, 4), load32(R3, R6, 0), mov(R0, 0), copy(R4, R3), (0x07, R4, 0, 14), (0xbd, R4 | R2 << 4, 1, 0), EXIT]


def lookup(m):
    """Adds 7 to element 1 (bit 0 of the frame's byte 1), and writes the sum into bytes 8 and 9 of the frame."""
    return BEGIN + [(0x71, R1 | R3 << 4, 1, 0), (0x57, R1, 0, 1), (0x63, FP | R1 << 4, -4, 0), copy(R7, R3), (0x18, R1 | 1 << 4, 0, m),
                    (0, 0, 0, 0), copy(R2, FP), (0x07, R2, 0, -4), call(1), (0x55, R0, 1, 0), EXIT,
                    mov(R1, 7), (0xdb, R0 | R1 << 4, 0, 0), (0x79, R1, 0, 0), (0x6b, R7 | R1 << 4, 8, 0), mov(R0, 2), EXIT]


def array(kind):
    m = bpf(MAP_CREATE, "IIIII", kind, 4, 8, 4, 0)[0]
    cpus = Map(struct.unpack_from("I", bpf(15, "IIQ", m, 48, bytes(48))[2][0], 4)[0], 0).cpus
    for key in range(4):
        bpf(MAP_UPDATE, "IIQQQ", m, 0, struct.pack("I", key), struct.pack("Q", 1000 + key) * cpus, 0)
    return m


def kernels_own(fd):
    _, attr, buffers = bpf(TEST_RUN, "IIIIQQII", fd, 0, len(FRAME), 256, FRAME, bytes(256), 1, 0)
    return struct.unpack_from("I", attr, 4)[0], buffers[1][:struct.unpack_from("I", attr, 12)[0]]


def check(what, code, instructions, helpers=0, lines=0):
    """instructions: their number if the kernel inlines the function, and if it calls it. helpers: calls besides this one"""
    fd = load(code)
    got = Machine(fd, kernel, CPU, INGRESS).run(FRAME)
    inlined = got.helpers == helpers
    wanted = (instructions[not inlined] + bool(os.environ.get("BREAK")), helpers + (not inlined), lines)
    assert got[:3] == wanted, "%s: %s, expected %s" % (what, got, wanted)
    assert (got.verdict, got.frame) == kernels_own(fd), "%s: not as the kernel does it" % what
    return got


def refused(code, why):
    try:
        Machine(load(code), kernel, CPU, INGRESS).run(FRAME)
    except Unknown as e:
        assert why in str(e), e
    else:
        raise AssertionError(why + ": not refused")


os.sched_setaffinity(0, {CPU})
kernel = Kernel()
check("two instructions", [mov(R0, 3), EXIT], (2, 2))
check("the device", [load32(R0, R1, 12), EXIT], (4, 4))                 # rxq, dev, ifindex
check("the number of the CPU", [CPU_NUMBER, EXIT], (4, 2))
check("jiffies", [JIFFIES, (0x1f, R0 | R0 << 4, 0, 0), EXIT], (4, 3))
# 7 of BEGIN, and 16 of 17, because the second jump skips one; r1 is negative, which the verifier does not know
check("arithmetic", BEGIN + [load32(R1, R3, 4), (0x67, R1, 0, 37), copy(R2, R1), (0xc7, R2, 0, 28), (0xbc, R3 | R2 << 4, 0, 0),
                             (0x77, R3, 0, 5), (0xdc, R2, 0, 32), (0x27, R2, 0, 77), (0xaf, R2 | R3 << 4, 0, 0), copy(R0, R2),
                             (0x65, R1, 1, 0), (0x17, R0, 0, 5), (0x25, R1, 1, 9), (0x07, R0, 0, 1), (0x84, R0, 0, 0),
                             (0xa4, R0, 0, 0x55), EXIT], (23, 23))
# a function of the program: 3 of its own between the call and the exit of the caller
check("a call", [mov(R1, 4), mov(R6, 1), (0x85, 1 << 4, 0, 2), (0x0f, R0 | R6 << 4, 0, 0), EXIT,
                 copy(R0, R1), mov(R6, 9), (0x07, R0, 0, 2), EXIT], (9, 9))
# data begins 6 bytes later
check("the head", [mov(R2, 6), call(44), EXIT], (3, 3), helpers=1)
for kind, inlined in ((ARRAY, 6), (PERCPU_ARRAY, 8)):
    m = array(kind)
    # 7 of BEGIN, 7 for the key and the map, the lookup, 1 comparison, 6 for the element
    for _ in range(2):          # the first execution changes nothing: the second one ends with the same frame
        got = check("a lookup in a map of type %d" % kind, lookup(m), (21 + inlined, 22), lines=1)
    assert got.frame[8:10] == struct.pack("H", 1001 + 2 * 7), got
refused([call(5), EXIT], "bpf_ktime_get_ns")
refused([(0x7a, FP, -8, 1), mov(R1, 1), (0xdb, FP | R1 << 4, -8, 0xa0), mov(R0, 0), EXIT], "opcode 0xdb, immediate 0xa0")
print("bench --instructions counts as a person does")
