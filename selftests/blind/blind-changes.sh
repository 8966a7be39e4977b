#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 400
# Sites of a blind relay keep reaching each other while peers, names, files and other traffic of the relay change. A
# host of the internet sends packets through the relay's masquerading service, and site a sends packets through its
# own tunnel. All come from the relay's port and with types of handshakes. They fill no table of the relay, and the
# service's clients get all answers. Sessions go on when the relay gets more peers or pairs than it has room
# for, and when sites get other names. The file with the sessions survives a daemon that ends before it knows all
# sites. A new site begins with counters of 0. BREAK=1 takes the tunnel of c down.
#
#     server-a - edge-a - nat-a 198.51.100.11 ----+
#     server-b - edge-b - nat-b 198.51.100.12 ----+ internet ---- 198.51.100.1 relay
#     server-c - edge-c 2001:db8::c --------------+
#     stranger 198.51.100.66, backend 198.51.100.50 ---+
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"

kept=$STATE_DIRECTORY/default/blind
python() { inside "$1" /usr/bin/python3 -IS - "${@:2}"; } # HOST ARGUMENT...
configuration() { # SITES [OPTIONS-OF-BLIND]
	cat > "$work/wgxdp.yaml" <<- YAML
		interfaces: [ { name: eth0, role: wan, mode: ${mode:-auto} } ]
		services:
		  - name: other
		    listen: { interface: eth0, ports: [ 51830 ] }
		    backend: { ipv4: 198.51.100.50, port: 51830 }
		    nat: masquerade
		blind: { listen: { interface: eth0, port: $port }, device: $relay, sites: $1${2:-} }
	YAML
}
new_session() { # WHEN: of b and c
	forgets b wgb-c
	forgets c wgb-b
	knows_site b c
	knows_site c b
	expect "lost from b to c of 10, with a new session $1" "$(ping_between b c -c 10 -i 0.5 -W 10)" == 0
}
answers() { # PORT: of two, for a client with this port
	python stranger "$1" <<- 'PY'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(('', int(sys.argv[1])))
		s.settimeout(2)
		s.sendto(b'\1\0\0\0echo' + bytes(140), ('198.51.100.1', 51830))
		n = 0
		try:
		    while n < 2:
		        s.recv(2000)
		        n += 1
		except TimeoutError:
		    pass
		print(n)
	PY
}
flood() { # PORT TO-PORT: 20,000 initiations of the stranger
	python stranger "$@" <<- 'PY'
		import os, socket, sys, time
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(('', int(sys.argv[1])))
		for i in range(20000):
		    s.sendto(b'\1\0\0\0' + os.urandom(4) + bytes(140), ('198.51.100.1', int(sys.argv[2])))
		    if i % 100 == 0:
		        time.sleep(0.01)
	PY
}

on=relay
nat_kind=([a]=cone [b]=cone)
blind_network a b
namespaces stranger backend
on_internet stranger eth0 198.51.100.66/24
on_internet backend eth0 198.51.100.50/24
mode=tc # packets pass the egress of tc
configuration all
sites_talk
start backend /usr/bin/python3 -IS -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 51830))
while True:
    m, a = s.recvfrom(2000)
    if m[4:8] == b"echo":
        s.sendto(b"\2\0\0\0abcd" + m[8:12] + bytes(80), a)
        s.sendto(b"\4\0\0\0abcd" + bytes(24), a)'
backend_listens() { inside backend ss -Hlun 'sport = 51830' | holds .; }
wait_for 5 'the backend' backend_listens
for from in 40000 $port; do expect "answers to a client with port $from" "$(answers "$from")" == 2; done
flood "$port" 51830
[[ ! ${BREAK:-} ]] || inside edge-c ip link set wgb-c down
new_session 'after packets from the internet'

blind_peer a $relay "$tunnels::1/128,2001:db8::77/128" persistent-keepalive 25
inside edge-a ip route add 2001:db8::77 dev wgb-a
inside relay ip -6 neigh replace 2001:db8::77 lladdr 02:00:00:00:77:77 dev eth0
python edge-a "$tunnels::a" "$port" << 'PY'
import os, socket, struct, sys, time
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
s.setsockopt(socket.IPPROTO_IPV6, 7, 6)
s.bind((sys.argv[1], 0))
for i in range(20000):
    m = struct.pack('<I', 1) + os.urandom(4) + bytes(140)
    s.sendto(struct.pack('>HHHH', int(sys.argv[2]), 9, 8 + len(m), 0) + m, ('2001:db8::77', 0))
    if i % 100 == 0:
        time.sleep(0.01)
PY
new_session 'after packets of a site through its tunnel'

# another name
configuration '[ site-a, site-b, site-c ]'
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
pinging 200
sed -i 's/site-b/site-bb/' "/etc/wireguard/$relay.conf"
configuration '[ site-a, site-bb, site-c ]'
sleep 1
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
pinged
expect "lost of $pings while b gets another name" "$lost" == 0
grep -q 'the name of site site-b is site-bb now' "$work/daemon" || fail "no word about the name: $(< "$work/daemon")"

# two sites swap their names, and `pairs` names them
swap() { sed -i 's/site-a$/site-x/; s/site-c$/site-a/; s/site-x$/site-c/' "/etc/wireguard/$relay.conf"; }
swap
configuration all ', pairs: [ [ site-bb, site-a ] ]'
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
new_session 'after two sites have swapped their names'
swap
swapped() { (($(grep -c 'the name of site site-a is site-c now' "$work/daemon") == 2)); }
wait_for 10 'the names of the changed file' swapped
configuration '[ site-a, site-bb, site-c ]'
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null

# more endpoints than there is room for, while no daemon runs
end_daemon
pinging 100
sleep 1
configuration all ", pairs: [ [ site-a, site-bb ], [ site-a, site-c ], [ site-bb, site-c ]$(printf ', [ x%s, y ]' {1..500}) ]"
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
pinged
expect "lost of $pings while the map of endpoints grows" "$lost" == 0
start_daemon -c "$work/wgxdp.yaml"

# more peers than there is room for
configuration all
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
sleep 1
pinging 400
for ((i = 1; i <= 62; i++)); do inside relay wg set $relay peer "$(head -c 32 /dev/urandom | base64)" allowed-ips "fd00:77::$i/128"; done
pinged
grep -q 'restored .* entries of sessions' "$work/daemon" || fail "the sessions are not restored: $(< "$work/daemon")"
expect 'longest time without an answer in s, while the room grows' "$gap" '<=' 4

# a removed site, a restart, and a new site
inside relay wg set $relay peer "$(key wgb-c)" remove
sleep 2.5
end_daemon
start_daemon -c "$work/wgxdp.yaml"
sleep 1
wg genkey > "$work/new.key"
printf '# site-new\n[Peer]\nPublicKey = %s\n' "$(wg pubkey < "$work/new.key")" >> "/etc/wireguard/$relay.conf"
inside relay wg set $relay peer "$(wg pubkey < "$work/new.key")" allowed-ips "$tunnels::e/128"
wait_for 10 'the new site' grep -q 'blind: site site-new' "$work/daemon"
sleep 1
expect 'pairs of the new site with packets' "$(wgxdp show sites --json | /usr/bin/python3 -IS -c 'import json, sys
print(sum(1 for p in json.load(sys.stdin)["site_pairs"] if "site-new" in (p["from"], p["to"]) and int(p["packets"])))')" == 0

# after a boot, a daemon that ends before it knows all sites
end_daemon
wgxdp down
sites_kept=$(grep -c '^site ' "$kept")
expect 'sites in the file' "$sites_kept" '>=' 2
for s in a b c; do inside relay wg set $relay peer "$(key "wgb-$s")" remove; done
inside relay wg set $relay peer "$(key wgb-a)" allowed-ips "$tunnels::a/128"
start_daemon -c "$work/wgxdp.yaml"
sleep 2
end_daemon
expect 'sites in the file after that' "$(grep -c '^site ' "$kept")" == "$sites_kept"
say ok
