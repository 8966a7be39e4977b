#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `wgxdp top` shows the rates of a service with known traffic, original, reply and dropped, in each unit. Also the
# filter, the order, JSON, and invalid options. BREAK=1 sends half as much.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

rate=1000
is_near() { awk -v a="$1" -v b="$2" 'BEGIN {exit !(a >= 0.85 * b && a <= 1.15 * b)}'; } # GOT WANTED: within 15 %
near() { # WHAT GOT WANTED
	is_near "$2" "$3" || fail "$1: $2, not $3"
	say "ok $1: $2, of $3"
}
column() { awk -v row="$1" -v n="$2" '$1 == row {print $n; exit}' "$work/top"; } # ROW NUMBER

firewall_network
cat > "$work/wgxdp.yaml" << EOF
services:
  - { name: busy, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }
  - { name: also, listen: { interface: wan, ports: [ 4433 ] }, backend: { ipv4: 192.168.1.10, port: 4433 }, deny: [ 198.51.100.7 ] }
  - { name: idle, listen: { interface: wan, ports: [ 4434 ] }, backend: { ipv4: 192.168.1.10, port: 4434 } }
EOF
wgxdp up -c "$work/wgxdp.yaml" > "$work/up"
count_arrivals wg-end busy "udp dport $port"
start_listener wg-end sink -e "192.168.1.10:$port"
sink=$!
[[ ! ${BREAK:-} ]] || rate=500
start client "$udptool" ask -n $((rate * 40)) -r $rate -w 100 -s 472 198.51.100.7:4000 "198.51.100.1:$port" > "$work/asked"
sender=$!
start client "$udptool" send -n 8000 -r 200 uplink "$(mac firewall wan)" 198.51.100.7:4001 198.51.100.1:4433 > /dev/null
other=$!
busy() { [[ $(shown get services.busy.reply.forwarded) != 0 && $(shown reason original denied) != 0 ]]; }
wait_for 5 'traffic' busy

# Counted at the backend and by show, because the senders are slower while others use the CPU
begins() { from=("$(ms)" "$(arrived wg-end busy)" "$(shown reason original denied)"); }
ends() {
	local took=$(($(ms) - from[0]))
	rate=$((($(arrived wg-end busy) - from[1]) * 1000 / took)) denied=$((($(shown reason original denied) - from[2]) * 1000 / took))
}
number() { # ROW KEY
	/usr/bin/python3 -c 'import json, sys
print(next(r[sys.argv[2]] for r in json.load(open(sys.argv[1]))["rows"] if r["name"] == sys.argv[3] and r["kind"] == sys.argv[4]))' "$work/json" "$2" "$1" "${3:-service}"
}
# A busy machine may stop the senders or wgxdp at either end of the time, so there are three attempts
for _ in 1 2 3; do
	begins
	wgxdp top --once -i 2 --json > "$work/json"
	ends
	! is_near "$(number busy packets)" $rate || ! is_near "$(number also dropped)" "$denied" || break
done
[[ ! ${BREAK:-} ]] || rate=1000
expect 'packets a second' "$rate" '>=' 100
near 'packets to busy' "$(number busy packets)" $rate
near 'bytes to it' "$(number busy bytes)" $((rate * 500))
near 'packets back' "$(number busy packets_back)" $rate
near 'dropped' "$(number also dropped)" "$denied"
near 'by reason' "$(number 'denied of also, original' dropped reason)" "$denied"
expect 'idle' "$(number idle packets)" == 0.0

for unit in packets bytes bits; do
	for _ in 1 2 3; do
		begins
		wgxdp top --once -i 1 -u $unit > "$work/top"
		ends
		case $unit in packets) want=$rate ;; bytes) want=$((rate * 500)) ;; bits) want=$((rate * 4000)) ;; esac
		got=$(column busy 2)$(column busy 3 | grep -xE '[kMG]' || :)
		got=$(numfmt --from=si "${got^^}")
		! is_near "$got" "$want" || break
	done
	near "$unit, as a table" "$got" "$want"
done
expect 'the first of them' "$(sed -n '2s/^ *\([a-z-]*\).*/\1/p' "$work/top")" == busy
wgxdp top --once -i 0.2 -s dropped > "$work/top"
expect 'the first by dropped' "$(sed -n '2s/^ *\([a-z-]*\).*/\1/p' "$work/top")" == also
wgxdp top --once -i 0.2 -s name -f IDL > "$work/top"
expect 'rows that the filter leaves' "$(grep -c '^  ' "$work/top") $(column idle 1)" == '1 idle'
inside firewall timeout 2 "$wgxdp" top -i 0.1 > "$work/tables" || :
expect 'tables in two seconds' "$(grep -c '^services' "$work/tables")" '>=' 3
inside firewall "$root/selftests/lib/top_screen.py" "$wgxdp" top > "$work/screen" 2>&1 || fail "$(< "$work/screen")"
say "ok on a terminal: $(grep -c ^ok "$work/screen") things"
kill $sender $other
stop $sink
for wrong in '-s size' '-u feet' '-i 0' '-x' 'all'; do
	status=0
	# shellcheck disable=SC2086 # two words
	wgxdp top $wrong > "$work/said" 2>&1 || status=$?
	expect "top $wrong" $status == 2
done
wgxdp down
wgxdp top --once > "$work/said" 2>&1 && fail 'it runs without an instance'
grep -q 'is not up' "$work/said" || fail "$(< "$work/said")"
say 'ok without an instance it fails'
