#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon logs each change of the host once, and nothing else. These are an address that goes and comes back, an
# interface that goes down and is deleted, a removed route, a wrong file, the end. BREAK=1 does not change the
# addresses.
#
#     client  .7 -- 198.51.100.0/24 -- .1, .2 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                                      203.0.113.9 second
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

# Leaves out the modes of interfaces, which differ between kernels
log() { sed "s|$work/||; /^[a-z]*: [wl]an, /d" "$work/daemon"; }
# COMMAND...: the log gets exactly these lines
says() { # LINES COMMAND...
	local before after
	before=$(log | wc -l)
	"${@:2}"
	# the lines appear in order, so all are there when the last one is
	wait_for 10 "the log of '${*:2}' says: $1" said_last "${1##*$'\n'}" "$before"
	sleep 0.3
	after=$(log | tail -n +$((before + 1)))
	[[ $after == "$1" ]] || fail "${*:2} says: $after; expected: $1"
	say "ok ${*:2}"
}
said_last() { [[ $(log | tail -n +$(($2 + 1)) | tail -n 1) == "$1" ]]; }
changed() { [[ ${BREAK:-} ]] || inside firewall "$@"; }
hangs_up() { kill -HUP "$daemon"; }

firewall_network
inside firewall ip address add 198.51.100.2/24 dev wan
cable firewall second client other
addresses firewall second 203.0.113.9/24
cat > "$work/wgxdp.yaml" << 'YAML'
services:
  - name: wg-end
    listen: { interface: wan, ports: [ 51820, 443 ] }
    backend: { ipv4: 192.168.1.10, port: 51820 }
  - name: other
    listen: { interface: second, ports: [ 51820 ] }
    backend: { ipv4: 192.168.1.10, port: 51821 }
YAML
start firewall "$wgxdp" daemon -c "$work/wgxdp.yaml" >> "$work/daemon" 2>&1
daemon=$!
wait_for 30 'the daemon' grep -q 'the daemon follows changes' "$work/daemon"
says 'service wg-end: no longer listens on 198.51.100.2: this host no longer has the address' changed ip address del 198.51.100.2/24 dev wan
says 'service wg-end: also listens on 198.51.100.2' changed ip address add 198.51.100.2/24 dev wan
says 'interface second: down: it is down
service other: waiting: second is down' changed ip link set second down
says 'interface second: waiting: it does not exist
service other: waiting: second does not exist' changed ip link del second
says 'service wg-end: waiting: backend 192.168.1.10 has no route on this host
interface lan: no longer used' changed ip route del 192.168.1.0/24
says 'service wg-end: listening' changed ip route add 192.168.1.0/24 dev lan
{
	sed 's/interface: second/interface: third/' "$work/wgxdp.yaml"
	for n in 4 5 6; do # more objects than the list that a child has written has room for
		echo "  - { name: s$n, listen: { interface: eth$n, ports: [ 51820 ] }, backend: { ipv4: 192.168.1.10, port: 51821 } }"
	done
} > "$work/third.yaml"
sed '/name: other/,$d' "$work/wgxdp.yaml" > "$work/one.yaml"
cp "$work/third.yaml" "$work/wgxdp.yaml"
hangs_up
wait_for 10 'it waits for third' grep -q 'interface third: waiting: it does not exist' "$work/daemon"
cp "$work/one.yaml" "$work/wgxdp.yaml"
hangs_up
wait_for 10 'third is let go' grep -q 'interface third: no longer used' "$work/daemon"
sleep 1
echo 'services: [' > "$work/wgxdp.yaml"
for _ in 1 2; do
	says "wgxdp.yaml:1:11: error: the bracket '[' is not closed: write ']' after its last value
services: [
          ^
wgxdp: error: wgxdp.yaml was not applied, and the old configuration still runs: the errors above say why" hangs_up
done
says 'instance default: the daemon ends: the instance was taken down' wgxdp down
wait "$daemon" || fail "the daemon ended with status $?"

# A warning that lasts comes once, also with endpoints, whose timer runs each second
cat > "$work/wgxdp.yaml" << YAML
services:
  - name: wrong
    listen: { interface: wan, ports: [ 51820 ] }
    backend: { ipv4: 198.51.100.77, port: 51820 }
endpoints: [ { interface: none, peer: "$(wg genkey | wg pubkey)", host: 192.0.2.1, port: 51820 } ]
YAML
start_daemon -c "$work/wgxdp.yaml"
sleep 2.2
inside firewall ip address add 198.51.100.3/24 dev wan
wait_for 10 'a pass' grep -q 'service wrong: also listens on 198.51.100.3' "$work/daemon"
expect 'lines about a route that stays wrong' "$(grep -c 'backend 198.51.100.77 is reached by wan' "$work/daemon")" == 1
wgxdp down
