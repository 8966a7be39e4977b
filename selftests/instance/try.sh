#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# After `up --try SECONDS`, the former configuration comes back unless the change is confirmed. It comes back when the
# time is over, or when the command is killed, ended by a signal, or loses its terminal. Enter keeps the change, and
# so does the printed command. The command reports when another command brings another configuration, or takes the
# instance down. `reload --try` does the same. Traffic of an unchanged service is not affected.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

before=(up --wan wan --lan lan --to 192.168.1.10)
trial=("${before[@]}" --port "$port,443" --try)

runs() { # before | trial | kept: by its ports
	local ports
	ports=$(wgxdp save | sed -n 's/.*ports: \[ \(.*\) \].*/\1/p') && [[ $ports == "$2" ]] || return 1
	[[ $(grep -c 'ports:' "/run/wgxdp/default/running.yaml") == 1 && ! -e /run/wgxdp/default/trying ]] || [[ $1 == trial ]]
}
is_before() { runs before "$port"; }
is_trial() { runs trial "$port, 443" && [[ -e /run/wgxdp/default/trying ]]; }
is_kept() { runs kept "$port, 443"; }

# In the background, in a session without a terminal; $pid is its process, once it waits
begin_trial() { # SECONDS
	wgxdp "${before[@]}" > /dev/null
	: > "$work/out" # drops former output
	setsid nsenter --net=/run/netns/firewall "$wgxdp" "${trial[@]}" "$1" < /dev/null >> "$work/out" 2>&1 &
	pid=$!
	wait_for 5 'the change is on trial' grep -q '^the change is on trial' "$work/out"
}
on_trial() { # SECONDS: longer than the test needs
	begin_trial "$1"
	is_trial || fail "not on trial: $(wgxdp save)"
}

ends_with() { # STATUS WORDS
	local status=0
	wait "$pid" || status=$?
	[[ $status == "$1" ]] || fail "status $status, expected $1: $(< "$work/out")"
	grep -q "$2" "$work/out" || fail "'$2' is not in: $(< "$work/out")"
}

time_out() {
	local begin=$SECONDS
	begin_trial 1
	ends_with 1 'the change was rolled back: the instance runs as before'
	((1000 * (SECONDS - begin) <= $(at_most 6000))) || fail 'it took much longer than a second'
	is_before || fail "not as before: $(wgxdp save)"
	say 'ok time-out: rolled back'
}

kept_by_up() {
	on_trial 600
	wgxdp "${before[@]}" --port "$port,443" > /dev/null
	ends_with 0 kept
	is_kept || fail 'not kept by another up'
	on_trial 600
	wgxdp save | wgxdp reload -c - > "$work/reloaded"
	ends_with 0 kept
	is_kept || fail 'not kept by reload'
	say 'ok another up, and reload: kept'
}

# The printed command keeps the change
printed_command() {
	local words
	on_trial 600
	# shellcheck disable=SC2016 # backquotes are its own
	words=$(sed -n 's/^the change is on trial.*`\(.*\)` keeps it$/\1/p' "$work/out")
	expect 'the command that keeps it' "$words" == 'wgxdp up --keep'
	eval "$words" > "$work/kept" || fail "$words: $(< "$work/kept")"
	ends_with 0 '^kept$'
	is_kept || fail 'not kept by the command that it printed'
	! wgxdp up --keep > "$work/kept" 2>&1 || fail 'up --keep, with nothing on trial'
	grep -q 'instance default: there is no change to keep, because none is on trial' "$work/kept" || fail "it says $(< "$work/kept")"
	! wgxdp up --keep --to 192.168.1.10 2> "$work/kept" || fail 'up --keep, and something else'
	grep -q -e '--keep cannot be used together' "$work/kept" || fail "it says $(< "$work/kept")"
}

# The messages match the result
other_ends() {
	on_trial 600
	wgxdp "${before[@]}" > /dev/null
	ends_with 1 'the trial ended, because another command loaded a configuration'
	is_before || fail 'not replaced'
	on_trial 600
	wgxdp service add guest --listen wan --port 999 --backend 192.168.1.10 > /dev/null
	kill "$pid"
	ends_with 1 'changes by commands are undone, unless the file has them: .*service guest: removed'
	grep -q 'the change was rolled back: the instance runs as before' "$work/out" || fail "it says $(< "$work/out")"
	is_before || fail 'changes by hand were not undone'
	say 'ok replaced by another up; a change by hand is rolled back and named'
}

reload_on_trial() { # FILE: in the background, as begin_trial
	: > "$work/out"
	setsid nsenter --net=/run/netns/firewall "$wgxdp" reload -c "$1" --try 600 < /dev/null >> "$work/out" 2>&1 &
	pid=$!
	wait_for 5 'reload is on trial' grep -q '^the change is on trial' "$work/out"
}

tried_reload() {
	wgxdp "${before[@]}" > /dev/null
	wgxdp save | sed "s/ports: \[ $port \]/ports: [ $port, 443 ]/" > "$work/tried.yaml"
	reload_on_trial "$work/tried.yaml"
	is_trial || fail "not on trial: $(wgxdp save)"
	grep -q '^service .*443 added' "$work/out" || fail "reload --try does not print what differs: $(< "$work/out")"
	kill "$pid"
	ends_with 1 'the change was rolled back: the instance runs as before'
	is_before || fail 'reload: not rolled back'
	! wgxdp reload -c "$work/tried.yaml" --try 5 --dry-run 2> "$work/out" || fail 'a dry run on trial'
	say 'ok reload --try: rolled back'
}

taken_down() {
	on_trial 600
	wgxdp down
	ends_with 1 'the trial ended, because .wgxdp down. took the instance down'
	say 'ok down, while on trial: said'
}

signals() {
	local signal
	for signal in TERM HUP KILL; do
		on_trial 600
		kill -$signal "$pid"
		if [[ $signal == KILL ]]; then wait "$pid" || :; else ends_with 1 'rolled back'; fi
		wait_for 5 "SIG$signal: what ran before" is_before
		say "ok SIG$signal: rolled back"
	done
}

only_one() {
	on_trial 600
	! wgxdp "${trial[@]}" 600 > "$work/second" 2>&1 < /dev/null || fail 'a second one on trial'
	grep -q 'another change is on trial: keep that one first with .wgxdp up --keep.' "$work/second" || fail "said: $(< "$work/second")"
	is_trial || fail 'the first was disturbed'
	kill "$pid"
	ends_with 1 'rolled back'
	say 'ok a second one is refused'
}

from_nothing() {
	wgxdp down
	setsid nsenter --net=/run/netns/firewall "$wgxdp" "${trial[@]}" 1 < /dev/null > "$work/out" 2>&1 &
	pid=$!
	ends_with 1 'the change was rolled back: nothing runs as before'
	on_host firewall | diff "$work/nothing" - || fail 'something was left'
	say 'ok with nothing up before: nothing is up'
}

# A daemon that needs no data path outlives a change on trial, and gets its configuration back
from_control() {
	echo "endpoints: [ { interface: wgl, peer: \"$(wg genkey | wg pubkey)\", host: 192.0.2.1, port: 51820 } ]" > "$work/control.yaml"
	start_daemon -c "$work/control.yaml"
	[[ ! -d /sys/fs/bpf/wgxdp/default ]] || fail 'the daemon has a data path'
	setsid nsenter --net=/run/netns/firewall "$wgxdp" "${trial[@]}" 1 < /dev/null > "$work/out" 2>&1 &
	pid=$!
	ends_with 1 'the change was rolled back: the instance runs as before'
	sleep 0.5 # the daemon would end by then
	kill -0 "$daemon" 2> /dev/null || fail "the daemon has ended: $(tail -n 3 "$work/daemon")"
	wgxdp save > "$work/saved"
	grep -q 'interface: wgl' "$work/saved" || fail "not as before: $(< "$work/saved")"
	! grep -q services "$work/saved" || fail "the change stays: $(< "$work/saved")"
	wgxdp down
	wait "$daemon" || fail "the daemon ended with status $?"
	say 'ok with only a daemon before: it runs on'
}

# A daemon that starts again does not end the trial, and it does not load the file that is on trial
with_a_daemon() {
	wgxdp "${before[@]}" > /dev/null
	wgxdp save > "$work/daemon.yaml"
	start_daemon -c "$work/daemon.yaml"
	sed -i "s/ports: \[ $port \]/ports: [ $port, 443 ]/" "$work/daemon.yaml"
	reload_on_trial "$work/daemon.yaml"
	kill -KILL "$daemon"
	wait "$daemon" || :
	start_daemon -c "$work/daemon.yaml"
	is_trial || fail "the new daemon ended the trial: $(< "$work/out")"
	kill "$pid"
	ends_with 1 'the change was rolled back: the instance runs as before'
	is_before || fail 'a daemon started meanwhile: not rolled back'
	expect 'the file that was rolled back' "$(shown get configuration.state)" == 'the file was changed'
	wgxdp down
	wait "$daemon" || fail "the daemon ended with status $?"
	say 'ok a daemon that starts again during a trial'
}

# A change of the file during the trial is not what runs
edited_meanwhile() {
	wgxdp "${before[@]}" > /dev/null
	wgxdp save > "$work/edited.yaml"
	reload_on_trial "$work/edited.yaml"
	sed -i "s/ports: \[ $port \]/ports: [ $port, 443 ]/" "$work/edited.yaml"
	wgxdp up --keep > /dev/null
	ends_with 0 kept
	expect 'the file that was edited' "$(shown get configuration.state)" == 'the file was changed'
	wgxdp down
	say 'ok the file was edited during the trial: it is not what runs'
}

refused() {
	local status words
	wgxdp "${before[@]}" > /dev/null
	for words in 0 -1 1.5 x 86401; do
		status=0
		wgxdp "${trial[@]}" "$words" > "$work/out" 2>&1 || status=$?
		[[ $status == 2 ]] || fail "--try $words: status $status"
	done
	! wgxdp up --wan nosuch --to 192.168.1.1 --try 5 > "$work/out" 2>&1 || fail 'a failing one'
	is_before || fail 'after a failing one'
	say 'ok what is wrong is refused'
}

# With a terminal: Enter, or hang-up
terminal() { # WHAT
	/usr/bin/python3 - "$1" nsenter --net=/run/netns/firewall "$wgxdp" "${trial[@]}" 600 << 'EOF'
import os, pty, sys, time
pid, master = pty.fork()
if not pid:
    os.execvp(sys.argv[2], sys.argv[2:])
said = b''
while b'Enter' not in said:
    said += os.read(master, 4096)
if sys.argv[1] == 'hang-up':
    os.close(master)
else:
    os.write(master, b'yes\n')
    try:
        while os.read(master, 4096):
            pass
    except OSError:
        pass
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOF
}

at_a_terminal() {
	wgxdp "${before[@]}" > /dev/null
	expect 'Enter: status' "$(terminal enter)" == 0
	is_kept || fail 'Enter: not kept'
	wgxdp "${before[@]}" > /dev/null
	expect 'hang-up: status' "$(terminal hang-up)" == 1
	is_before || fail 'hang-up: not rolled back'
}

firewall_network
on_host firewall > "$work/nothing"
count_arrivals wg-end all_of_them "udp dport $port"
wgxdp "${before[@]}" > /dev/null
n=30000
start client "$udptool" send -n $n -r 4000 uplink "$(mac firewall wan)" 198.51.100.7:4000 198.51.100.1:$port > "$work/sent"
sender=$!
time_out
kept_by_up
printed_command
other_ends
tried_reload
signals
only_one
at_a_terminal
refused
wait "$sender"
expect "lost of $n" $((n - $(arrived wg-end all_of_them))) == 0
taken_down
from_nothing
from_control
with_a_daemon
edited_meanwhile
! pgrep -x wgxdp > /dev/null || fail 'a process stays'
