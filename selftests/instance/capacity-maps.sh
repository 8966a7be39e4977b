#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The sizes of maps in scripts/capacity match those of a kernel. The cases: a relay with a /48 overlay, one with a
# larger overlay, clients with flows, and a blind relay. Each map and the sum are compared, without `config`, which is
# the text of the configuration. Before 6.4 the kernel does not report the memory of maps, and the test computes it
# from their sizes. BREAK=1 asks about twice as many.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
#                             site: a TUN with the peers behind it
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

cpus=$(/usr/bin/python3 -c 'print(sum(int(r.split("-")[-1]) - int(r.split("-")[0]) + 1 for r in open("/sys/devices/system/cpu/possible").read().split(",")))')

compares() { # WHAT OPTION...: compares the script's sizes with the running maps
	bpftool --json --bpffs map show > "$work/maps"
	"$root/scripts/capacity" --bench none --spare 0 --cpus "$cpus" --json "${@:2}" > "$work/said"
	/usr/bin/python3 - "$work/maps" "$work/said" "$cpus" <<- 'EOF' || fail "$1: see above"
		import json, os, sys
		def takes(m):
		    n, key, value = m["max_entries"], -(-m["bytes_key"] // 8) * 8, -(-m["bytes_value"] // 8) * 8
		    return {"array": n * value + (4096 if m["flags"] & 1024 else 312), "percpu_array": 312 + n * (8 + int(sys.argv[3]) * value),
		            "lru_hash": 896 + n * (48 + key + value) + 16 * (1 << (n - 1).bit_length()), "ringbuf": n + 12872 + n // 256,
		            "devmap_hash": 8 * n, "lpm_trie": 0}.get(m["type"], 896 + 16 * (1 << (n - 1).bit_length()))
		tells = tuple(int(n) for n in os.uname().release.split(".")[:2]) >= (6, 4)
		ELEMENTS = {"blind_pairs": (8, 176, 256)}     # made with the first entry; key, value, and the memory of both
		pinned = "/sys/fs/bpf/wgxdp/default/"
		there = {p[len(pinned):]: m for m in json.load(open(sys.argv[1])) for p in m.get("pinned", []) if p.startswith(pinned)}
		there = {name: m for name, m in there.items() if "/" not in name}
		there.pop("config")     # as long as the configuration's text
		column = json.load(open(sys.argv[2]))["columns"][0]
		bad, said, kernels = 0, 0, 0
		for name, m in there.items():
		    m["takes"] = m["bytes_memlock"] if tells else takes(m)
		    kernels += m["takes"]
		    if abs(takes(m) - m["takes"]) > 4096:
		        bad += print("%s: %d bytes by its sizes, %d by the kernel" % (name, takes(m), m["takes"])) is None
		for name, size in column["maps"].items():
		    key, value, element = ELEMENTS.get(name, (0, 0, 0))
		    used = {"blind_pairs": min(column["sites"] * (column["sites"] - 1), 131072)}.get(name, 0)
		    size -= used * element
		    said += size
		    if element and (there[name]["bytes_key"], there[name]["bytes_value"]) != (key, value):
		        bad += print("%s: keys and values of other sizes" % name) is None
		    if abs(size - there[name]["takes"]) > 4096:
		        bad += print("%s: %d bytes by capacity, %d by the kernel" % (name, size, there[name]["takes"])) is None
		for name in set(there) - set(column["maps"]):
		    if there[name]["takes"] > 8192:
		        bad += print("%s: %d bytes, of which capacity says nothing" % (name, there[name]["takes"])) is None
		if len(there) < 60 or abs(said - kernels) > kernels / 100:
		    bad += print("%d maps, %d bytes by capacity, %d by the kernel" % (len(there), said, kernels)) is None
		print("%d maps, %d bytes by capacity, %d by the kernel" % (len(there), said, kernels))
		sys.exit(bad != 0)
	EOF
	say "ok $1"
}
times=${BREAK:+2}

firewall_network
on=firewall
inside firewall ip tuntap add site mode tun
inside firewall ip link set site up
addresses firewall site fd12:3456:7fff::1/128
interfaces=$'interfaces:\n  - { name: wan, role: wan }\n  - { name: lan, role: lan }\n'

"$root/selftests/lib/peers.py" 3000 3000 site > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
compares '3,000 sites in a /40' --sites $((3000 * ${times:-1})) --overlay 40
wgxdp down
"$root/selftests/lib/peers.py" 200 200 site | sed 's/7800::.40/7800::\/48/' > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
compares '200 sites in a /48' --sites $((200 * ${times:-1}))
wgxdp down
echo "$interfaces"'services: [ { name: s, listen: { interface: wan, ports: [ 51820 ] }, backend: { ipv4: 192.168.1.10, port: 51820 },
  nat: masquerade, flows: { max: 100000 } } ]' > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
compares '100,000 clients with flows' --sites 0 --clients $((100000 * ${times:-1}))
wgxdp down
echo "$interfaces""blind: { listen: { interface: wan, port: 51820 }, device: wg-none, sites: [ s1$(printf ', s%d' {2..100}) ] }" > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
compares '100 blind sites' --blind --sites $((100 * ${times:-1}))
