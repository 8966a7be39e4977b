#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# A stranger who pastes the blocks of README.md and of docs/guides/try.md, and does nothing else, gets a firewall running.
# The blocks of README's *Try it* and of the page's *Try it on one machine* are pasted into a shell as they are
# (paste.py). They must start wgxdp in network namespaces, with the output that the page shows. After the last block
# nothing is left. BREAK=1 leaves out the lines that start wgxdp: then the page must fail. The tests start-* follow the
# page of each other task.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

guides=(try)

# Keeps this machine's files: writes go to memory
keep_files() {
	local directory kept
	for directory in /etc /tmp /usr/local; do
		kept=/run/state/kept/${directory//\//-}
		mkdir -p "$kept"/{above,work}
		mount -t overlay kept -o "lowerdir=$directory,upperdir=$kept/above,workdir=$kept/work" "$directory"
	done
}

left() { # prints what guides create: files, namespaces, programs, processes, devices
	find /run /sys/fs/bpf -path /run/state -prune -o -path "$work" -prune -o -print | sort |
		grep -vxE '/run/(wireguard|wgxdp|wgxdp/default(/lock|/names|/knocked)?)'
	find /run/state/kept/*/above | sort
	ps -A -o comm= | sort | uniq -c | grep -vE ' (ps|sort|uniq|grep|bash|sleep|find|diff|kworker.*)$' || :
	ip -br link | sed 's/ .*//'
}
nothing_left() { left | diff "$work/before" - > "$work/left"; }

one() { # GUIDE
	keep_files
	"$root/selftests/lib/paste.py" README.md 'Try it' > "$work/said" || fail "README.md"
	left > "$work/before"
	"$root/selftests/lib/paste.py" "docs/guides/$1.md" 'Try it on one machine'
	for ((i = 0; i < 100; i++)); do ! nothing_left || break; sleep 0.1; done
	nothing_left || fail "guides/$1.md leaves this behind: $(< "$work/left")"
}

if (($#)); then
	one "$1"
	exit
fi
for guide in "${guides[@]}"; do
	if WGXDP_APART='' "$0" "$guide" > "$work/$guide" 2>&1; then
		[[ ! ${BREAK:-} ]] || { echo "without wgxdp at work guides/$guide.md does not fail"; exit 0; }
		say "ok guides/$guide.md: $(tail -n 1 "$work/$guide")"
	else
		[[ ${BREAK:-} ]] || fail "guides/$guide.md: $(tail -n 40 "$work/$guide")"
		say "as it should, guides/$guide.md fails: $(tail -n 3 "$work/$guide" | tr '\n' ' ')"
	fi
done
[[ ! ${BREAK:-} ]]
