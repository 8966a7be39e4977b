#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# An interface with a dangerous name puts no control character into any output, and JSON and metrics stay readable.
# The NIC below the firewall's outer interface, a bridge, has a dangerous name: it clears a terminal (ESC c), colours
# it (C1), deletes (DEL), or runs a command when a fix is pasted. The output of up, show, doctor, the daemon, metrics
# and errors contains no control character, and JSON and metrics stay readable. (tests/unit/unit_text.c tests the
# fixes.) BREAK=1 uses a plain name.
#
#     client uplink ---- nic of wan, firewall, lan ---- eth wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

controls() { LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|(?<![\xc2-\xf4\x80-\xbf])[\x80-\xbf]' "$1"; }
clean() { # WHAT FILE
	! controls "$2" || fail "$1 writes control characters: $(cat -v "$2")"
	[[ -s $2 ]] || fail "$1 says nothing"
	say "ok $1: $(wc -c < "$2") bytes"
}
named() { grep -qF 'x1b' "$1" || fail "nothing is said of it: $(cat -v "$1")"; } # FILE

firewall_network
nic=wan
for strange in $'\e\x9b1m\x7f;>p$p"' $'\ec`>p`\xc2\x9b'; do
	echo "$strange" > "$work/name"
	controls "$work/name" || fail 'the name is plain'
	[[ ! ${BREAK:-} ]] || strange=plain
	inside firewall ip link set "$nic" down
	inside firewall ip link set "$nic" name "$strange"
	inside firewall ip link set "$strange" up
	if [[ $nic == wan ]]; then
		inside firewall ip link add wan type bridge
		addresses firewall wan 198.51.100.1/24 2001:db8:1::1/64
	fi
	inside firewall ip link set "$strange" master wan
	inside firewall ip link set wan up
	nic=$strange

	wgxdp up --wan wan --lan lan --to 192.168.1.10 > "$work/up" 2>&1 || fail "up: $(cat -v "$work/up")"
	clean up "$work/up"
	named "$work/up"
	wgxdp up --wan "$strange" --to 192.168.1.10 > "$work/error" 2>&1 || :
	clean 'an error' "$work/error"
	echo "services: [ { name: wg-end, listen: { addresses: [ 198.51.100.1 ], ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } } ]
interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
exporter: { listen: [ \"127.0.0.1:9851\" ] }" > "$work/wgxdp.yaml"
	start_daemon -c "$work/wgxdp.yaml"
	wgxdp doctor -c "$work/wgxdp.yaml" > "$work/doctor" 2>&1 || :
	clean doctor "$work/doctor"
	named "$work/doctor"
	wgxdp doctor -c "$work/wgxdp.yaml" --json > "$work/doctor.json" 2>&1 || :
	/usr/bin/python3 -m json.tool "$work/doctor.json" > /dev/null || fail 'doctor --json is no JSON'
	for what in show 'show interfaces' 'show drops' 'show --json'; do
		# shellcheck disable=SC2086
		wgxdp $what > "$work/show" 2>&1
		clean "$what" "$work/show"
	done
	wgxdp show --json | /usr/bin/python3 -m json.tool > /dev/null || fail 'show --json is no JSON'
	inside firewall curl -sf http://127.0.0.1:9851/metrics > "$work/metrics"
	clean metrics "$work/metrics"
	promtool check metrics < "$work/metrics" > /dev/null || fail 'metrics cannot be read'
	clean 'the daemon' "$work/daemon"
	end_daemon
	wgxdp down
done
say ok
