#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# first
# vm
# Commands as people type them do what they should, or print the right form.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

# STATUS WORDS COMMAND...: so it ends, and these words are in what it says
says() {
	local status=0
	wgxdp "${@:3}" > "$work/out" 2>&1 < /dev/null || status=$?
	[[ $status == "$1" ]] || fail "${*:3}: status $status, expected $1: $(< "$work/out")"
	grep -qF -- "$2" "$work/out" || fail "${*:3}: '$2' is not in: $(< "$work/out")"
}

interfaces() {
	says 1 'up: --wan wna: this host has no such interface: name one of wan, lan' up --wan wna --to 192.168.1.10
	says 1 'up: --lan lna: this host has no such interface: name one of lan, wan' up --wan wan --lan lna --to 192.168.1.10
	[[ ! -e /sys/fs/bpf/wgxdp/default ]] || fail 'up with a mistyped interface loaded something'
	wgxdp up --wan wan --to 192.168.1.10 > /dev/null
	says 0 'interface wna: it does not exist: this host has wan, lan' service add a --listen wna --backend 192.168.1.10
	wgxdp service del a > /dev/null
	says 1 'peer import wga: this host has no such interface: name one of wan, lan' peer import wga
	says 1 'trace: --in wna: this host has no such interface: name one of wan, lan' trace --in wna --from 198.51.100.7:4000 --to 198.51.100.1:$port
	says 1 'this host has no such interface: name one of wan, lan' mtu 192.168.1.10 --through wna
	start firewall "$wgxdp" monitor --in wna > "$work/monitor" 2>&1
	local monitor=$!
	wait_for 5 'monitor names what there is' grep -q 'no such interface yet, and monitor waits for it: there is wan, lan' "$work/monitor"
	stop $monitor
	say 'ok a mistyped interface: those that are there are named'
}

# Each warning about what is missing comes once, with what to do if no daemon runs
waits() { # WORDS COMMAND...
	says 0 "$@"
	expect "warnings: $1" "$(grep -cF -- "$1" "$work/out")" == 1
	expect 'of a daemon' "$(grep -cF 'no daemon runs' "$work/out")" == "$daemons_missing"
}
waiting() {
	local daemons_missing=1
	wgxdp up --wan wan --to 192.168.1.10 > "$work/out" 2>&1
	! grep 'no daemon runs' "$work/out" || fail 'up warns although it waits for nothing'
	wgxdp save > "$work/file.yaml"
	sed -E 's/(name|interface): wan/\1: wna/' "$work/file.yaml" > "$work/later.yaml"
	waits 'interface wna: it does not exist: this host has wan, lan' up -c "$work/later.yaml"
	waits 'backend nosuch.invalid has no IPv4 address' up --wan wan --to nosuch.invalid --replace
	start_daemon -c "$work/file.yaml"
	daemons_missing=0
	waits 'interface wna: it does not exist: this host has wan, lan' reload -c "$work/later.yaml"
	end_daemon
	wgxdp down
	say 'ok one warning about what is missing'
}

# A file after an editor failed, or with everything commented out
empty_file() {
	local text command words='the file is empty: begin with a section, such as services:'
	wgxdp up --wan wan --to 192.168.1.10 --replace > /dev/null
	wgxdp save > "$work/saved"
	for text in '' '# services:' '---' $'services:\n#  - name: wg-end'; do
		[[ $text != services:* ]] || words='services: there are no entries below this line: add some, or remove the line'
		echo "$text" > "$work/empty.yaml"
		for command in check reload 'reload --dry-run' up; do
			# shellcheck disable=SC2086 # words
			says 2 "error: $words" $command -c "$work/empty.yaml"
		done
	done
	wgxdp save | cmp - "$work/saved" || fail 'an empty file changed something'
	for text in '{}' 'services: [ ]'; do
		echo "$text" > "$work/empty.yaml"
		says 0 'service wg-end: removed' reload --dry-run -c "$work/empty.yaml"
	done
	says 0 'no service and no peer is configured' up -c "$work/empty.yaml"
	say 'ok an empty file is refused, {} is not'
}

undone() { # HOW WHAT FILE: the file says in one line which changes by commands are undone
	grep -qE "^wgxdp: warning: changes by commands $1, unless the file has them: (.*; )?service $2(;|$)" "$3" || fail "'$2' is not said to be $1: $(< "$3")"
}
by_hand() {
	wgxdp service set wg-end --backend 192.168.1.99 > /dev/null
	wgxdp service deny add wg-end 192.0.2.0/24 > /dev/null
	wgxdp service add guest --listen wan --port 444 --backend 192.168.1.10 > /dev/null
}

# `service set` leaves the settings of flows that a hairpin service has
hairpin_flows() {
	cat > "$work/hairpin.yaml" <<- EOF
		services: [ { name: wg-end, nat: dnat, hairpin: true, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port },
		              flows: { ports: 30000-31000, max: 1000 } } ]
	EOF
	wgxdp up -c "$work/hairpin.yaml" > /dev/null
	says 0 '192.168.1.11' service set wg-end --backend 192.168.1.11
	wgxdp save | holds 'ports: 30000-31000' || fail "the flows' settings are lost: $(wgxdp save)"
	wgxdp save | holds 'max: 1000' || fail "the flows' limit is lost: $(wgxdp save)"
	say 'ok service set keeps the flows of a hairpin service'
}

# Messages to a person at a terminal; in a script, `up` continues
changed_by_hand() {
	local wanted=(up --wan wan --to 192.168.1.10)
	wgxdp "${wanted[@]}" --replace > /dev/null
	wgxdp service add office --listen wan --port 555 --backend 192.168.1.10 > /dev/null
	wgxdp save > "$work/file.yaml"
	wgxdp up -c "$work/file.yaml" > /dev/null 2>&1
	wgxdp service del office > /dev/null
	wgxdp reload --dry-run -c "$work/file.yaml" > /dev/null 2> "$work/out"
	undone 'would be undone' 'office: added' "$work/out"
	wgxdp reload -c "$work/file.yaml" > /dev/null 2> "$work/out"
	undone 'are undone' 'office: added' "$work/out"
	wgxdp service del office > /dev/null
	wgxdp service add office --listen wan --port 555 --backend 192.168.1.10 > /dev/null
	wgxdp reload -c "$work/file.yaml" > /dev/null 2> "$work/out"
	[[ ! -s $work/out ]] || fail "made again, and yet it says $(< "$work/out")"
	wgxdp "${wanted[@]}" --replace > /dev/null 2>&1
	wgxdp save > "$work/file.yaml"
	by_hand
	wgxdp save > "$work/saved"
	at_terminal 1 "${wanted[@]}"
	undone 'would be undone' 'wg-end: backend ipv4 192.168.1.10, was 192.168.1.99' "$work/out"
	undone 'would be undone' 'wg-end: deny 192.0.2.0/24 removed' "$work/out"
	undone 'would be undone' 'guest: removed' "$work/out"
	grep -q 'nothing was changed, because this would undo changes by commands' "$work/out" || fail "it says $(< "$work/out")"
	wgxdp save | cmp - "$work/saved" || fail 'up at a terminal changed something'
	at_terminal 0 "${wanted[@]}" --replace
	undone 'are undone' 'guest: removed' "$work/out"
	grep -qx 'service wg-end: backend ipv4 192.168.1.10, was 192.168.1.99' "$work/out" || fail "up does not name what it changed: $(< "$work/out")"
	by_hand
	wgxdp "${wanted[@]}" > "$work/changes" 2> "$work/out" || fail 'up without a terminal'
	undone 'are undone' 'guest: removed' "$work/out"
	expect 'up says what changed' "$(grep '^service' "$work/changes")" == "service wg-end: deny 192.0.2.0/24 removed
service wg-end: backend ipv4 192.168.1.10, was 192.168.1.99
service guest: removed"
	start_daemon -c "$work/file.yaml"
	by_hand
	kill -HUP "$daemon"
	wait_for 5 'the file again' grep -q 'file.yaml was applied' "$work/daemon"
	undone 'are undone' 'wg-end: deny 192.0.2.0/24 removed' "$work/daemon"
	undone 'are undone' 'guest: removed' "$work/daemon"
	end_daemon
	by_hand
	touch -d '+1 second' "$work/file.yaml"
	start_daemon -c "$work/file.yaml"
	undone 'are undone' 'guest: removed' "$work/daemon"
	end_daemon
	at_terminal 0 up -c "$work/file.yaml"
	say 'ok changes by hand that would be undone are named'
}

at_terminal() { # STATUS COMMAND...
	local status=0
	inside firewall /usr/bin/python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' \
		"$wgxdp" "${@:2}" < /dev/null > "$work/out" || status=$?
	sed -i 's/\r$//' "$work/out"
	[[ $status == "$1" ]] || fail "${*:2} at a terminal: status $status, expected $1: $(< "$work/out")"
}

words() {
	wgxdp up --wan wan --to 192.168.1.10 --port 400-450,51820 --replace > /dev/null
	wgxdp save | holds -F 'ports: [ 400-450, 51820 ]' || fail "not these ports: $(wgxdp save)"
	says 0 'service wg-end: listen ports 460-462 added' service set wg-end --port 51820,400-450,460-462
	says 2 "--port '450-400': this is not a list of ports (1 to 65535): write 51820, or 51820,443 or 400-450" service set wg-end --port 450-400
	says 2 '--port: 410 is listed twice: remove one of the two' service set wg-end --port 400-450,410
	says 2 '--port 1-2000: a service has at most 1024 ports: divide them among several services' up --wan wan --to 192.168.1.10 --port 1-2000
	says 2 'up: 2001:db8:2::10: this word is not expected: for a list, write one word with commas, --to ADDRESS,2001:db8:2::10' up --wan wan --to 192.168.1.10 2001:db8:2::10
	says 2 "'2001:db8:2::10' is not expected: write a list as one word, with commas between its items" \
		service set wg-end --backend 192.168.1.10 2001:db8:2::10
	wgxdp save > "$work/file.yaml"
	says 0 "file.yaml: valid, 1 service" check "$work/file.yaml"
	says 2 'only one file can be checked at a time' check "$work/file.yaml" "$work/file.yaml"
	says 2 "up: $work/file.yaml: name a file with -c: write \`wgxdp up -c $work/file.yaml\`" up "$work/file.yaml"
	says 2 "reload: $work/file.yaml: name a file with -c" reload "$work/file.yaml"
	says 2 'save: x: no word is expected here' save x
	says 0 'Usage: wgxdp up' help up
	says 0 'Commands:' help
	says 2 "uup: there is no such command: did you mean" help uup
	says 2 'nosuch: there is no such command' nosuch
	say 'ok words in another order, or of another kind'
}

routes() {
	wgxdp up -c - > /dev/null 2>&1 <<- YAML
		policy: { overlay: "fd12:3456:789a::/48" }
		peers: [ { name: a, device: lan } ]
	YAML
	says 0 'peer a: prefixes fd12:3456:789a:a::/64 added' route add fd12:3456:789a:a::/64 a
	says 0 'peer a: prefixes fd12:3456:789a:b::/64 added' route add fd12:3456:789a:b::/64 --peer a
	says 2 '--peer is missing' route add fd12:3456:789a:c::/64
	says 1 "there is no peer 'b'" route add fd12:3456:789a:c::/64 b
	says 2 "service allow add: '10.0.0.1/8' has bits set beyond its length" service allow add wg-end 10.0.0.1/8
	says 2 'too many words' route add fd12:3456:789a:c::/64 --peer a b
	says 0 'peer a: prefixes fd12:3456:789a:a::/64 removed' route del fd12:3456:789a:a::/64
	say 'ok a route names its peer as a word'
}

# An instance needs about 200 descriptors, and a low soft limit does not matter. A pin that cannot be opened does not
# count as missing: a change detaches nothing then, and keeps all flows.
descriptors() {
	local n before listener every=1
	masquerading 'max: 100' > "$work/a.yaml"
	masquerading 'max: 200' > "$work/b.yaml"
	inside firewall prlimit --nofile=64:4096 "$wgxdp" up -c "$work/a.yaml" > "$work/out" 2>&1 || fail "with a low soft limit: $(< "$work/out")"
	start_listener wg-end answers -e "192.168.1.10:$port"
	listener=$!
	inside client "$udptool" ask -n 5 198.51.100.7:4000 "198.51.100.1:$port" > /dev/null
	expect 'flows' "$(wgxdp show flows | grep -c 198.51.100.7)" == 1
	before=$(attached)
	[[ ${WGXDP_TIER:-} != core ]] || every=9
	for ((n = 1; n <= 90; n += every)); do # the calls that open pins come first
		inside firewall "$build/selftests/faultrun" -s bpf -e EMFILE -n "$n" "$wgxdp" up -c "$work/$( ((n % 2)) && echo b || echo a).yaml" > "$work/out" 2>&1 || :
		[[ $(attached) == "$before" ]] || fail "without the descriptor of call $n, up detached something: $(attached), before $before: $(< "$work/out")"
		[[ $("$build/selftests/flowtable" /sys/fs/bpf/wgxdp/default) == 'flows 1 half_open 0 wrong 0' ]] || fail "without the descriptor of call $n, up lost a flow: $(< "$work/out")"
	done
	stop $listener
	wgxdp down
}
attached() {
	echo /sys/fs/bpf/wgxdp/default/attach/*
	inside firewall ip -d link show | grep -o 'prog/xdp'
}

firewall_network
descriptors
interfaces
waiting
empty_file
changed_by_hand
words
hairpin_flows
routes
