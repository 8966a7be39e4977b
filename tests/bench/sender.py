# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of `bench --devices` that runs on the sender's host. devices.py sends this text by ssh, so it needs nothing
but Python, ip and ss. A request is a line of JSON, and the answer is one too. It sends by the kernel's pktgen, or by a
packet socket if the kernel has no pktgen. When its standard input ends, it puts back everything that it changed."""
import contextlib
import ctypes
import glob
import json
import os
import platform
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time

BATCH = 64              # packets of one sendmmsg()
PKTGEN = "/proc/net/pktgen/"
THREADS = 8             # most threads of pktgen
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
FIRST_PORT = 40000      # the first client's port


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError("%s: %s" % (" ".join(words), (done.stderr or done.stdout).strip()))
    return done.stdout


def ethtool(*words):
    """The output of ethtool, or nothing if the device does not support it or the program is missing"""
    try:
        return run("ethtool", *words)
    except (RuntimeError, OSError):
        return ""


def link(dev):
    return json.loads(run("ip", "-j", "-d", "-s", "link", "show", "dev", dev))[0]


def describe(dev):
    """Returns the driver, the queues and the speed of a device, for the report."""
    driver = re.search(r"^driver: (\S+)", ethtool("-i", dev), re.M)
    speed = re.search(r"Speed: (\S+)", ethtool(dev))
    now = ethtool("-l", dev).partition("Current")[2]
    queues = {name.lower(): int(n) for name, n in re.findall(r"^(RX|TX|Combined):\s*(\d+)", now, re.M) if int(n)}
    return {"name": dev, "driver": driver[1] if driver else "unknown", "queues": queues,
            "speed": speed[1] if speed else "unknown"}


def counters(dev):
    stats = link(dev)["stats64"]
    return {"rx": stats["rx"]["packets"], "tx": stats["tx"]["packets"],
            "rx_dropped": stats["rx"]["dropped"] + stats["rx"].get("missed_errors", 0) + stats["rx"]["over_errors"],
            "tx_dropped": stats["tx"]["dropped"] + stats["tx"]["errors"]}


def ssh_peers():
    """Addresses at the far ends of ssh connections to this host and from it"""
    peers = {os.environ.get("SSH_CONNECTION", "").partition(" ")[0]}
    for line in run("ss", "-Hnt", "state", "established", "( sport = :22 or dport = :22 )").splitlines():
        peers.add(line.split()[3].rpartition(":")[0].strip("[]").replace("::ffff:", ""))
    return peers - {""}


def ways_to(address):
    """The devices that carry packets to an address: that of the route, and the devices below it"""
    dev = address.partition("%")[2]
    if not dev:
        with contextlib.suppress(RuntimeError):         # there may be no route
            dev = json.loads(run("ip", "-j", "route", "get", address))[0].get("dev")
    ways = []
    while dev and dev not in ways:
        ways.append(dev)
        dev = link(dev).get("link")
    return ways


def unusable(dev, peers):
    """Returns why a test must not use a device, or None."""
    try:
        its = link(dev)
    except RuntimeError:
        return "%s: there is no such interface" % dev
    if "UP" not in its["flags"] or "LOWER_UP" not in its["flags"]:
        return "%s is down or has no cable: run `ip link set %s up`, and connect it" % (dev, dev)
    if "master" in its:
        return "%s belongs to %s: give an interface of its own" % (dev, its["master"])
    if "xdp" in its:
        return "%s has an XDP program: remove it, for example by `wgxdp down`" % dev
    for peer in peers:
        if dev in ways_to(peer):
            return "%s carries an ssh connection (%s): give another interface" % (dev, peer)
    return None


def is_abandoned(secs):
    """Returns whether devices.py has ended: it closes the standard input, and writes nothing before it has an answer."""
    return bool(select.select([sys.stdin], [], [], secs)[0])


# ---- packets ----

def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def frame(stream, n=0):
    """An Ethernet frame of client n; the payload begins as a data message of WireGuard."""
    family = socket.AF_INET if stream["family"] == 4 else socket.AF_INET6
    src, dst = (socket.inet_pton(family, stream[key]) for key in ("src", "dst"))
    payload = b"\x04".ljust(stream["size"], b"\0")
    length = 8 + len(payload)
    udp = struct.pack("!HHHH", stream["sport"] + n, stream["dport"], length, 0)
    sum_ = checksum(src + dst + struct.pack("!HH", socket.IPPROTO_UDP, length) + udp + payload) or 0xffff
    udp = udp[:6] + struct.pack("!H", sum_)
    if stream["family"] == 4:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, socket.IPPROTO_UDP, 0) + src + dst
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    else:
        ip = struct.pack("!IHBB", 6 << 28, length, socket.IPPROTO_UDP, 64) + src + dst
    kind = 0x0800 if stream["family"] == 4 else 0x86dd
    return mac(stream["dmac"]) + mac(stream["smac"]) + struct.pack("!H", kind) + ip + udp + payload


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Message(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint32), ("iov", ctypes.c_void_p),
                ("iovlen", ctypes.c_size_t), ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("sent", ctypes.c_uint32)]


def packet_socket(dev):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((dev, 0))
    s.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
    return s


def send_by_socket(stream, rate, secs):
    """Returns the number of packets that left, and the seconds that this took."""
    libc = ctypes.CDLL(None, use_errno=True)
    frames = [frame(stream, n % stream["clients"]) for n in range(BATCH)]
    buffers = [ctypes.create_string_buffer(f, len(f)) for f in frames]
    vectors = (Iovec * BATCH)(*[Iovec(ctypes.addressof(b), len(b)) for b in buffers])
    messages = (Message * BATCH)(*[Message(iov=ctypes.addressof(v), iovlen=1) for v in vectors])
    sent, total, began = 0, int(rate * secs), time.monotonic()
    with packet_socket(stream["dev"]) as s:
        while sent < total:
            passed = time.monotonic() - began
            due = min(int(rate * passed), total) - sent
            if passed > 2 * secs or is_abandoned(0):    # this host does not send faster
                break
            if due > 0:
                sent += max(libc.sendmmsg(s.fileno(), messages, min(due, BATCH), 0), 0)
            else:
                time.sleep(BATCH / rate / 4)
    return sent, time.monotonic() - began


# ---- pktgen ----

def have_pktgen(undo):
    """Returns whether the kernel has pktgen, after loading its module. Refuses if another program uses it."""
    if not os.path.exists(PKTGEN) and not subprocess.run(["modprobe", "-q", "pktgen"], check=False).returncode:
        undo.callback(subprocess.run, ["modprobe", "-qr", "pktgen"], check=False)
    for path in glob.glob(PKTGEN + "kpktgend_*"):
        with open(path, encoding="ascii") as f:
            if re.search(r"^(Running|Stopped): +\S", f.read(), re.M):
                raise RuntimeError("pktgen has devices of another program: run `rmmod pktgen`")
    return os.path.exists(PKTGEN)


def pktgen(name, *commands):
    for command in commands:
        with open(PKTGEN + name, "w", encoding="ascii") as f:
            f.write(command + "\n")


def remove_devices(threads):
    for n in threads:
        pktgen("kpktgend_%d" % n, "rem_device_all")


def start_pktgen():
    """Returns when all packets are sent, or at once if devices.py has ended."""
    with subprocess.Popen(["sh", "-c", "echo start > %spgctrl" % PKTGEN]) as starter:
        while starter.poll() is None:
            if is_abandoned(0.02):
                starter.kill()
                pktgen("pgctrl", "stop")


def send_by_pktgen(stream, rate, secs):
    """As send_by_socket(). Each thread has a queue of its own."""
    queues = describe(stream["dev"])["queues"]
    wanted = min(queues.get("combined", queues.get("tx", 1)), THREADS)
    threads = range(min(wanted, len(glob.glob(PKTGEN + "kpktgend_*"))))
    six = "6" if stream["family"] == 6 else ""
    source = ["src6 " + stream["src"]] if six else ["src_min " + stream["src"], "src_max " + stream["src"]]
    sent, took = 0, 0
    try:
        for n in threads:
            pktgen("kpktgend_%d" % n, "rem_device_all", "add_device %s@%d" % (stream["dev"], n))
            pktgen("%s@%d" % (stream["dev"], n), "count %d" % (rate * secs / len(threads)), "clone_skb 0",
                   "pkt_size %d" % (stream["size"] + (62 if six else 42)), "ratep %d" % max(rate / len(threads), 1),
                   "dst_mac " + stream["dmac"], "src_mac " + stream["smac"], "dst%s %s" % (six, stream["dst"]), *source,
                   "udp_src_min %d" % stream["sport"], "udp_src_max %d" % (stream["sport"] + stream["clients"]),
                   "udp_dst_min %d" % stream["dport"], "udp_dst_max %d" % stream["dport"], "flag UDPCSUM",
                   "queue_map_min %d" % n, "queue_map_max %d" % n)
        start_pktgen()
        for n in threads:
            with open(PKTGEN + "%s@%d" % (stream["dev"], n), encoding="ascii") as f:
                said = f.read()
            sent += int(re.search(r"pkts-sofar: (\d+)", said)[1])
            took = max(took, int((re.search(r"OK: (\d+)", said) or [0, 0])[1]) / 1e6)
    finally:
        remove_devices(threads)
    return sent, took or secs


# ---- requests ----

def begin(request, undo, state):
    """Checks the devices. Drops packets to the sink's addresses: otherwise this host might forward them."""
    for dev in {request["dev"], request["sink"]}:
        reason = unusable(dev, ssh_peers())
        if reason:
            raise RuntimeError(reason)
    state["by"] = "pktgen" if have_pktgen(undo) else "packet socket"
    for address in request["drop"]:
        run("ip", "route", "add", "blackhole", address)
        undo.callback(run, "ip", "route", "del", "blackhole", address)
    return {"by": state["by"], "kernel": platform.release(), "cpus": os.cpu_count(),
            "device": describe(request["dev"]), "sink": describe(request["sink"]),
            "mac": link(request["dev"])["address"], "sink_mac": link(request["sink"])["address"],
            "reached_at": os.environ.get("SSH_CONNECTION", "").split()[2:3]}


def send(request, state):
    send_by = send_by_pktgen if state["by"] == "pktgen" else send_by_socket
    sent, secs = send_by(request["stream"], request["rate"], request["secs"])
    return {"sent": sent, "secs": secs}


def answer_to(packet, family):
    """The frame that a packet's receiver answers with. A UDP checksum stays right when both ends change places."""
    at, n = (26, 4) if family == 4 else (22, 16)        # place and size of the first address
    src, dst, sport, dport = (packet[a:b] for a, b in (
        (at, at + n), (at + n, at + 2 * n), (at + 2 * n, at + 2 * n + 2), (at + 2 * n + 2, at + 2 * n + 4)))
    return packet[6:12] + packet[:6] + packet[12:at] + dst + src + dport + sport + packet[at + 2 * n + 4:]


def converse(stream, sink):
    """Sends a packet of each client. The sink answers each packet that arrives. Returns the number of answers."""
    start, answered, until = frame(stream)[12:14], 0, time.monotonic() + 3
    port = struct.pack("!H", stream["dport"])
    at = 36 if stream["family"] == 4 else 56
    with packet_socket(stream["dev"]) as out, socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as s:
        s.bind((sink, 3))       # ETH_P_ALL
        s.settimeout(0.2)
        for n in range(stream["clients"]):
            out.send(frame(stream, n))
        while answered < stream["clients"] and time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                packet, where = s.recvfrom(2048)
                if where[2] != socket.PACKET_OUTGOING and packet[12:14] == start and packet[at:at + 2] == port:
                    s.send(answer_to(packet, stream["family"]))
                    answered += 1
    return {"answered": answered}


def obey(request, undo, state):
    if request["do"] == "begin":
        return begin(request, undo, state)
    if request["do"] == "count":
        return counters(request["dev"])
    return send(request, state) if request["do"] == "send" else converse(request["stream"], request["sink"])


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    state = {}
    with contextlib.ExitStack() as undo:
        for line in sys.stdin:
            try:
                answer = obey(json.loads(line), undo, state)
            except (RuntimeError, OSError) as e:
                answer = {"error": str(e)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
