#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# The daemon is killed under traffic, again and again, and restarts: no packet is lost, and changes by commands stay. On
# SIGHUP it reads its file again; a wrong file changes nothing. An instance has only one daemon, and `down` ends it.
# BREAK=1 takes the instance down in between.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

n=12000 # packets
rate=2000

configuration() { # PORT...
	cat > "$work/wgxdp.yaml" <<- EOF
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $(tr ' ' , <<< "$*") ] }
		    backend: { ipv4: 192.168.1.10, port: $port }
	EOF
}
listens() { wgxdp show services | holds "listen: .*:$1"; } # PORT

killed_again_and_again() {
	local killed=0
	sends $n -r $rate -c 200 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port
	while still_sends $killed 10; do
		kill -KILL "$daemon"
		wait "$daemon" 2> /dev/null || :
		[[ ! ${BREAK:-} ]] || wgxdp down
		if ((killed++ % 2)); then inside firewall ip address add 198.51.100.250/24 dev wan; else
			inside firewall ip address del 198.51.100.250/24 dev wan 2> /dev/null || :
		fi
		start_daemon -c "$work/wgxdp.yaml"
		sleep "0.0$((killed % 10))"
	done
	expect_sums
	expect 'killed often' $killed '>=' 10
	expect "lost of $sent while the daemon was killed $killed times" $((sent - $(arrived wg-end all_of_them))) == 0
}

goes_on_with_what_runs() {
	wgxdp up --wan wan --to 192.168.1.10 --port 1001 --replace > /dev/null
	wait_for 2 'another configuration' listens 1001
	kill -KILL "$daemon"
	wait "$daemon" 2> /dev/null || :
	start_daemon -c "$work/wgxdp.yaml"
	listens 1001 || fail 'a daemon that came back undid what a command had done'
	kill -KILL "$daemon"
	wait "$daemon" 2> /dev/null || :
	configuration 1002
	start_daemon -c "$work/wgxdp.yaml"
	listens 1002 || fail 'a daemon that came back did not read its changed file'
	kill -KILL "$daemon"
	wait "$daemon" 2> /dev/null || :
	configuration 1004
	touch -d '1 hour ago' "$work/wgxdp.yaml" # as after `mv wgxdp.yaml.bak wgxdp.yaml`
	start_daemon -c "$work/wgxdp.yaml"
	listens 1004 || fail 'a daemon that came back did not read its file, which is older than the one before'
	say 'ok a restarted daemon keeps the running configuration, unless its file has changed'
}

# As wgxdp-etcd does: the file only keeps what came from standard input, so it is newer than at the daemon's start
keeps_changes_after_standard_input() {
	configuration 1008
	kill -HUP "$daemon"
	wait_for 2 'the file' listens 1008
	configuration 1009
	wgxdp reload -c - < "$work/wgxdp.yaml" > /dev/null
	wgxdp service deny add wg-end 192.0.2.0/24 > /dev/null
	wait_for 2 'the change' listens 1009
	end_daemon
	start_daemon -c "$work/wgxdp.yaml"
	wgxdp save | holds 'deny: .*192.0.2.0/24' || fail 'a daemon that came back undid what a command had changed after standard input'
	say 'ok a restarted daemon keeps changes by commands after a reload from standard input'
}

# The daemon ended with an error, and nothing changed until its next start
tries_its_file_again() {
	end_daemon
	wgxdp down
	wgxdp up --wan wan --to 192.168.1.10 --port 1005 --replace > /dev/null
	configuration 1006
	touch -d '1 hour ago' "$work/wgxdp.yaml"
	mv "$work/wgxdp.yaml" "$work/away.yaml"
	mkdir "$work/wgxdp.yaml" # a file that cannot be read
	! wgxdp daemon -c "$work/wgxdp.yaml" > "$work/daemon" 2>&1 || fail 'a daemon without a readable file'
	rmdir "$work/wgxdp.yaml"
	mv "$work/away.yaml" "$work/wgxdp.yaml"
	start_daemon -c "$work/wgxdp.yaml"
	listens 1006 || fail 'a daemon that failed to start took the running configuration for its own'
	say 'ok a daemon that failed to start applies its file at the next start'
}

# The command was killed before its last step, the rename of running.yaml
goes_on_with_what_a_killed_command_did() {
	inside firewall strace -f -o /dev/null -e inject=rename:signal=KILL:when=2 "$wgxdp" up --wan wan --to 192.168.1.10 --port 1007 --replace \
		> /dev/null 2>&1 || :
	inside firewall ip address add 198.51.100.251/24 dev wan
	listens_too() { wgxdp show services | holds 'listen: .*198.51.100.251:1007'; }
	wait_for 2 'the daemon follows it, at an address that came' listens_too
	inside firewall ip address del 198.51.100.251/24 dev wan
	say 'ok the daemon continues after a killed command'
}

reads_its_file_again() {
	configuration 1003
	kill -HUP "$daemon"
	wait_for 2 'the changed file' listens 1003
	configuration nonsense
	kill -HUP "$daemon"
	wait_for 2 'the error' grep -q 'wgxdp.yaml:3:.*nonsense' "$work/daemon"
	listens 1003 || fail 'a wrong file changed what runs'
	say 'ok a wrong file changes nothing'
}

ends() {
	! wgxdp daemon -c "$work/wgxdp.yaml" > "$work/second" 2>&1 || fail 'there are two daemons of one instance'
	grep -q 'runs already' "$work/second" || fail "a second daemon says $(< "$work/second")"
	wgxdp down
	wait_for 2 'its end' ended
	wait "$daemon" || fail "down ended it with status $?"
	say 'ok down ended it'
}
ended() { ! kill -0 "$daemon"; }

# COMMAND...: `down` ends the daemon even if the command follows before the daemon notices
ends_before() {
	local former=$daemon
	stop_unlocked # so it notices nothing before the command has ended
	wgxdp down
	"$@"
	kill -CONT "$former"
	former_ended() { ! kill -0 "$former"; }
	wait_for 10 "the end of the daemon that was there before '$1'" former_ended
	wait "$former" || fail "down and '$1' ended it with status $?"
}

firewall_network
for ns in client wg-end; do inside $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1; done # IPv6 sends packets by itself
count_arrivals wg-end all_of_them "udp dport $port"
configuration $port
start_daemon -c "$work/wgxdp.yaml"
goes_on_with_what_runs
keeps_changes_after_standard_input
tries_its_file_again
goes_on_with_what_a_killed_command_did
reads_its_file_again
configuration $port
kill -HUP "$daemon"
wait_for 2 'the first file' listens $port
killed_again_and_again
ends_before start_daemon -c "$work/wgxdp.yaml"
wgxdp show | holds 'daemon: since' || fail 'the end of the former daemon hid the new one'
wgxdp down
wait "$daemon" || fail "down ended it with status $?"
start_daemon -c "$work/wgxdp.yaml"
ends_before kill -HUP "$daemon"
[[ ! -e /sys/fs/bpf/wgxdp/default ]] || fail 'SIGHUP after down brought the instance up again'
start_daemon -c "$work/wgxdp.yaml"
ends_before wgxdp up -c "$work/wgxdp.yaml"
wgxdp show | holds 'daemon: not running' || fail 'a daemon follows after down and up'
start_daemon -c "$work/wgxdp.yaml"
ends
