#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# The daemon sets all names to wg-end's address within two seconds of a change. While the name server is
# down, the daemon complains once; when it is back, the names become right by themselves. A changed section applies
# from SIGHUP on, and a running update of the old one does not overwrite it. The daemon ends at once, even if a name
# server of a present or removed section hangs. BREAK=1 stops the daemon while an address changes.
#
#     published:  ens18 wg-end mgmt -- fd53::/64 -- eth dns
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/knot.sh"

are() { # ADDRESS NAME...: checks their AAAA records
	local name
	for name in "${@:2}"; do [[ $(ask "$name.example.net" AAAA) == "$1 300" ]] || return; done
}
move() { # FROM TO: the address
	address add "$2/64"
	address del "$1/64"
}
complaints() { grep -c 'server fd53::53: Connection refused fqdn=wg-end.example.net' "$work/daemon" || :; }
succeeded() { wgxdp show metrics | awk -v name="$1" '$0 ~ "^wgxdp_ddns_last_success_timestamp_seconds.\"?name=\"" name {print int($2)}'; }

knot_network
configuration > "$work/wgxdp.yaml"
address add 2001:db8:1::10/64
start_daemon -c "$work/wgxdp.yaml"
wait_for 5 'the names, at the beginning' are 2001:db8:1::10 wg-end firewall
expect 'updates, at the beginning' "$(arrived dns updates)" == 2

worst=0
for i in {2..6}; do
	[[ ! ${BREAK:-} ]] || kill -STOP "$daemon"
	before=$(arrived dns updates)
	began=$(ms)
	move "2001:db8:$((i - 1))::10" "2001:db8:$i::10"
	for _ in {1..100}; do
		(($(arrived dns updates) < before + 2)) || break
		nap 0.05
	done
	took=$(($(ms) - began)) # knot takes up to a second to answer after fast updates
	((took <= worst)) || worst=$took
	wait_for 2 "names after the address changed: $(ask wg-end.example.net AAAA)" are "2001:db8:$i::10" wg-end firewall
	expect 'updates for two names' $(($(arrived dns updates) - before)) == 2
done
expect 'ms until the updates for both names, at worst of 5' $worst '<=' "$(at_most 2000)"
now=$(date +%s)
# An instance without a data path: what show and reload print
wgxdp show > "$work/show" || fail "show: $(< "$work/show")"
for line in '^instance: default$' '^  daemon: since ' "^  file: $work/wgxdp.yaml$" '^dns_name: wg-end.example.net$' \
	'^  interface: ens18$' '^  latest_success: 20.*ago'; do
	grep -q "$line" "$work/show" || fail "show has no line '$line': $(< "$work/show")"
done
wgxdp show --json | /usr/bin/python3 -ISc 'import json, sys; assert json.load(sys.stdin)["dns_names"][0]["interface"] == "ens18"'
expect 'show services' "$(wgxdp show services)" == 'services: none'
sed -i '$a exporter: { listen: [ "192.0.2.99:9851" ] }' "$work/wgxdp.yaml"
kill -HUP "$daemon"
wait_for 5 'the exporter has no address' grep -q 'exporter: cannot listen on 192.0.2.99:9851' "$work/daemon"
inside wg-end ip address add 192.0.2.99/32 dev lo
wait_for 5 'the exporter, when its address comes' inside wg-end curl -sf --max-time 2 -o /dev/null http://192.0.2.99:9851/metrics
# A signal to an exporter that has not begun yet is not one to the daemon
cp "$work/wgxdp.yaml" "$work/with"
for _ in {1..5}; do
	configuration > "$work/wgxdp.yaml"
	kill -HUP "$daemon"
	sleep 0.1
	cp "$work/with" "$work/wgxdp.yaml"
	kill -HUP "$daemon"
	sleep 0.3
done
configuration > "$work/wgxdp.yaml"
kill -HUP "$daemon"
! wgxdp reload -c "$work/wgxdp.yaml" > "$work/reload" 2>&1 || fail 'reload of an instance without a data path'
grep -q 'default has no data path.*run .systemctl reload wgxdp-daemon. or send SIGHUP' "$work/reload" || fail "reload says $(< "$work/reload")"
expect 'the metric, seconds ago' $((now - $(succeeded wg-end.example.net))) '<=' 60

before=$(arrived dns updates)
cable wg-end other dns another
addresses wg-end other 2001:db8:99::1/64
address add fd99::1/64
sleep 0.3
expect 'updates for what is not published' $(($(arrived dns updates) - before)) == 0

stop "$knot"
move 2001:db8:6::10 2001:db8:7::10
wait_for 5 'a complaint' grep -q 'Connection refused fqdn=wg-end' "$work/daemon"
move 2001:db8:7::10 2001:db8:8::10
sleep 0.5
expect 'complaints of a name server that is down' "$(complaints)" == 1
start_knot
wait_for 12 'the names, when the name server is back' are 2001:db8:8::10 wg-end firewall
say 'ok the names are right when the name server is back'

names=new.example.net configuration > "$work/wgxdp.yaml"
kill -HUP "$daemon"
wait_for 5 'a name that is new in the file' are 2001:db8:8::10 new
say 'ok a new name'

# --- a section is changed, and removed, during its run
cat > "$work/update" << EOF
#!/bin/sh
[ "\$1" = new ] || { touch $work/runs; until [ -e $work/go ]; do sleep 0.1; done; }
echo "\$1" >> $work/updates
EOF
chmod +x "$work/update"
by_program() { printf 'ddns: { interface: ens18, names: [ a.example.net ], provider: { exec: [ %s, %s ] } }\n' "$work/update" "$1"; }
was_last() { grep -qx old "$work/updates" && [[ $(tail -n 1 "$work/updates") == "$1" ]]; }
by_program old > "$work/wgxdp.yaml"
kill -HUP "$daemon"
wait_for 10 'the program runs' test -e "$work/runs"
by_program new > "$work/wgxdp.yaml"
kill -HUP "$daemon"
wait_for 5 'the new section is written' grep -qx new "$work/updates"
touch "$work/go"
wait_for 10 'the new section is written last' was_last new
say 'ok a run that was going on does not have the last word'
names=new.example.net configuration > "$work/wgxdp.yaml"
kill -HUP "$daemon"
wait_for 5 'a name server again' are 2001:db8:8::10 new

kill -STOP "$knot"
move 2001:db8:8::10 2001:db8:9::10
asks() { inside wg-end ss -Huan | holds '\[fd53::53\]:53'; }
wait_for 5 'it waits for an answer' asks
sed -i 's/ens18/nowhere/' "$work/wgxdp.yaml"
kill -HUP "$daemon"
wait_for 5 'the other section' grep -q 'this interface does not exist' "$work/daemon"
began=$(ms)
end_daemon
expect 'ms to end though a name server hangs' $(($(ms) - began)) '<=' 3000
kill -CONT "$knot"
! grep -qF "$(sed -n 's/^ *secret: *//p' "$work/tsig.key")" "$work/daemon" || fail 'the secret was said'
wgxdp down
