# SPDX-License-Identifier: GPL-2.0-or-later
"""The cost of a relay that decrypts and encrypts every packet: wireguard-go in the firewall's namespace, between one at
the client and one at wg-end. It counts only the CPU time of that process, without the kernel's work around it."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

import topology as net

ENDS = {net.CLIENT: ("wgbench-c", "fd00:bb:1::1", net.PUBLIC[4]), net.END: ("wgbench-e", "fd00:bb:2::1", net.LAN[4])}
OUTER = {net.CLIENT: ("198.51.100.2/24", "client0"), net.END: (net.BACKEND[4] + "/24", "end0")}      # the frames alone do not need these
RELAY = "wgbench-r"
PORT, INNER_PORT, SIZE = 51820, 9000, 96        # bytes of UDP payload: 144 on the wire, like the bench's other rows
PACKETS, BURST = 40000, 50
PAUSES = 0.002, 0.006, 0.02     # after each burst: slow enough that nothing is lost, even on a busy machine
TICK = os.sysconf("SC_CLK_TCK")


class Device:
    """wireguard-go in a namespace"""

    def __init__(self, where, name, address):
        self.where, self.name = where, name
        path = "/var/run/wireguard/%s.sock" % name
        if os.path.exists(path):        # left by a killed run
            os.unlink(path)
        self.process = subprocess.Popen(net.inside(where) + ["wireguard-go", "-f", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            if os.path.exists(path):
                break
            time.sleep(0.02)
        time.sleep(0.3)         # it listens a moment later, and `wg` removes a socket that does not
        self.private = net.run("wg", "genkey").strip()
        self.public = net.run("wg", "pubkey", text=self.private).strip()
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as f:
            f.write(self.private)
            f.flush()
            self.wg("private-key", f.name, "listen-port", str(PORT))
        self.command("sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=0" % name)
        self.command("ip", "address", "add", address + "/128", "dev", name, "nodad")
        self.command("ip", "link", "set", name, "up")

    def command(self, *words):
        return net.run(*net.inside(self.where), *words)

    def wg(self, *words):
        self.command("wg", "set", self.name, *words)

    def seconds(self):
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def received(self):
        return json.loads(self.command("ip", "-j", "-s", "link", "show", "dev", self.name))[0]["stats64"]["rx"]["packets"]

    def end(self):
        self.process.terminate()
        self.process.wait()


def send(to, count, pause):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.connect((to, INNER_PORT))
        for n in range(count):
            s.send(bytes(SIZE - 8))
            if n % BURST == 0:
                time.sleep(pause)


def send_from(where, to, count, pause):
    """By a process of its own in that namespace: this file, as a program"""
    net.run(*net.inside(where), sys.executable, os.path.abspath(__file__), to, str(count), str(pause))


def measure():
    """ns of CPU time of the relay's process a packet that arrived"""
    relay = Device(net.FIREWALL, RELAY, "fd00:bb::1")
    ends = []
    try:
        for where, (name, address, endpoint) in ENDS.items():
            net.run("ip", "-n", where, "address", "add", OUTER[where][0], "dev", OUTER[where][1])
            end = Device(where, name, address)
            ends.append(end)
            end.wg("peer", relay.public, "endpoint", "%s:%d" % (endpoint, PORT), "allowed-ips", "fd00:bb::/32", "persistent-keepalive", "25")
            end.command("ip", "route", "add", "fd00:bb::/32", "dev", name)
            relay.wg("peer", end.public, "allowed-ips", address + "/128")
            relay.command("ip", "route", "add", address, "dev", RELAY)
        relay.command("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        ends[1].command("nft", "add table inet quiet; add chain inet quiet o { type filter hook output priority 0; }; "
                        "add rule inet quiet o icmpv6 type destination-unreachable drop")
        time.sleep(6)           # until both handshakes are done
        send_from(net.CLIENT, ENDS[net.END][1], 2000, PAUSES[0])
        time.sleep(0.5)
        for pause in PAUSES:
            before, came = relay.seconds(), ends[1].received()
            send_from(net.CLIENT, ENDS[net.END][1], PACKETS, pause)
            time.sleep(1)
            came = ends[1].received() - came
            if came >= PACKETS * 0.95:
                return {"ns": (relay.seconds() - before) * 1e9 / came, "packets": came}
        raise RuntimeError("wireguard-go relay: %d of %d packets arrived" % (came, PACKETS))
    finally:
        for device in ends + [relay]:
            device.end()
        subprocess.run(net.inside(net.END) + ["nft", "flush", "ruleset"], check=False)


if __name__ == "__main__":
    send(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
