# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench's set-up: three network namespaces, client / firewall / wg-end, joined by two pairs of veth. Path 0 is
under test; path 1 is like it and carries only the bare redirect, so that both can be measured in turn.

    client                 firewall                        wg-end
    client0 ------ wan0  [under test]      lan0 ---------- end0
    client1 ------ wan1  [bare redirect]   lan1 ---------- end1
    198.51.100.2   198.51.100.1            192.168.1.1     192.168.1.10
    100.64.0.0/16 and 2001:db8:64::/64 (20,000 clients) are behind the client's namespace, by the default route.
"""
import os
import subprocess

CLIENT, FIREWALL, END = "wgxdp-bench-client", "wgxdp-bench-fw", "wgxdp-bench-end"
NAMES = CLIENT, FIREWALL, END
PUBLIC = {4: "198.51.100.1", 6: "2001:db8:51::1"}
BACKEND = {4: "192.168.1.10", 6: "2001:db8:1::10"}
LAN = {4: "192.168.1.1", 6: "2001:db8:1::1"}
FIRST_CLIENT = {4: "100.64.0.1", 6: "2001:db8:64::1"}
PREFIXES = range(2, 11)         # third number of the LAN's further prefixes: with its own one, ten for each family


def use(suffix):
    """Selects the set of namespaces whose names end so. The usual set has no suffix."""
    global CLIENT, FIREWALL, END
    CLIENT, FIREWALL, END = (name + suffix for name in NAMES)


def netns(name):
    return "/run/netns/" + name


def inside(name):
    """The words before a command: ip netns exec would hide bpffs."""
    return ["nsenter", "--net=" + netns(name)]


def run(*words, text=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError("%s: exit %d: %s" % (" ".join(words), done.returncode, (done.stderr or done.stdout).strip()))
    return done.stdout


def mac(path, side, end):
    return "02:00:00:%02x:%02x:%02x" % (path, side, end)


def frame_macs(path, reply):
    """Destination and source of what the sender hands to the firewall."""
    side = 2 if reply else 1
    return mac(path, side, 1), mac(path, side, 2)


def make_path(path):
    for side, outer, inner, ns in ((1, "client", "wan", CLIENT), (2, "end", "lan", END)):
        out, to = outer + str(path), inner + str(path)
        run("ip", "-n", ns, "link", "add", out, "address", mac(path, side, 2), "type", "veth",
            "peer", "name", to, "address", mac(path, side, 1), "netns", FIREWALL)
        for where, dev in ((ns, out), (FIREWALL, to)):
            run("ip", "-n", where, "link", "set", dev, "addrgenmode", "none", "up")
            # no partial checksums; gro makes a veth take redirected frames also without an XDP program on it, but
            # tells its peer so only if it is up
            run(*inside(where), "ethtool", "-K", dev, "tx", "off", "gro", "on")


def addresses():
    firewall = """
address add 198.51.100.1/24 dev wan0
address add 2001:db8:51::1/64 dev wan0 nodad
address add 192.168.1.1/24 dev lan0
address add 2001:db8:1::1/64 dev lan0 nodad
neighbour replace 198.51.100.2 lladdr {wan} dev wan0 nud permanent
neighbour replace 2001:db8:51::2 lladdr {wan} dev wan0 nud permanent
neighbour replace 192.168.1.10 lladdr {lan} dev lan0 nud permanent
neighbour replace 2001:db8:1::10 lladdr {lan} dev lan0 nud permanent
route add default via 198.51.100.2
route add default via 2001:db8:51::2
""".format(wan=mac(0, 1, 2), lan=mac(0, 2, 2))
    for i in PREFIXES:
        firewall += "route add 192.168.%d.0/24 dev lan0\nroute add 2001:db8:%x::/64 dev lan0\n" % (i, i)
    run("ip", "-n", FIREWALL, "-batch", "-", text=firewall)


def settings():
    values = ["net.ipv6.conf.all.disable_ipv6=0", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
              "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0", "net.ipv6.conf.default.accept_ra=0"]
    run(*inside(FIREWALL), "sysctl", "-qw", *values)
    for ns in (CLIENT, END):    # these stacks must not answer packets that the sinks leave to them
        run(*inside(ns), "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")


def clear():
    for ns in (CLIENT, FIREWALL, END):
        if os.path.exists(netns(ns)):
            run("ip", "netns", "del", ns)


def make():
    clear()
    for ns in (CLIENT, FIREWALL, END):
        run("ip", "netns", "add", ns)
        run("ip", "-n", ns, "link", "set", "lo", "up")
    settings()
    make_path(0)
    make_path(1)
    addresses()
