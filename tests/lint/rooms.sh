#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A file of user/ includes only headers of its own room, of the rooms that the table below allows, and of include/.
# The objects must match the same table, so that declaring a function by hand does not help. docs/design.md shows the
# table. `rooms.sh --table` prints it for that page. No room has more lines than its budget. Then five wrong doors and
# too many lines in copies must be found. BREAK=1 puts them into the checked tree.
# timeout: 300
# shellcheck disable=SC2016 # backquotes are Markdown's
set -euo pipefail
cd "$(dirname "$0")/../.."

# room | its budget: most lines of its files | rooms that it may use (besides lib) | what happens in it
# A commit may lower a budget. Raising it needs the reason in the commit's message.
table='
lib | 4460 | | general code: text, logs, memory, YAML, addresses
net | 4708 | | access to the kernel and the network: netlink, WireGuard, sockets, DNS
config | 5968 | | the configuration: it reads, checks, writes and compares it
plan | 5466 | net config | the contents of all maps, computed from the configuration and the host; it changes no map
dataplane | 7830 | net config plan | the BPF programs and maps: it loads, attaches, reads and writes them, and alone uses the skeleton
findings | 1739 | net config plan dataplane ddns | the faults of each object of the configuration on this host
instance | 2176 | net config plan dataplane findings | one running instance: its lock, its running configuration, `apply`, `up --try`
show | 5296 | net config plan dataplane findings instance | the output for people and programs: show, metrics, monitor, top, trace
ddns | 875 | net config | the addresses to publish, and the programs that write DNS records
daemon | 8528 | net config plan dataplane findings instance show ddns | the loop of the daemon, and its parts
exporter | 1626 | net config plan dataplane instance show | the process that serves metrics, status page and API
doctor | 3790 | net config plan dataplane findings instance show ddns rehearsal | diagnosis, and the MTU of a path
gen | 7814 | net config plan instance | files for other hosts
rehearsal | 3841 | net | a copy of the host in a network namespace, in which samples show what its firewall rules do
import | 5308 | net config rehearsal | configurations made from firewall rules and WireGuard settings
cmd | 5298 | net config plan dataplane findings instance show ddns daemon exporter doctor gen import | one file for each command, and main
'
# single headers that a room uses of another one: room, header
exceptions='
gen doctor/mtu.h
'
declare -A may=() budget=()
while IFS='|' read -r room lines uses _; do
	room=${room// /}
	[[ ! $room ]] || may[$room]=" $room lib $uses " budget[$room]=$((lines))
done <<< "$table"

markdown() {
	echo '| room | subject | rooms that it uses, besides `lib/` |'
	echo '| --- | --- | --- |'
	awk -F ' *[|] *' 'NF == 4 {printf "| `%s/` | %s | %s |\n", $1, $4, $3 == "" ? "–" : "`" $3 "`"}' <<< "${table// | | / |  | }"
}

allowed() { # ROOM OTHER [HEADER]
	[[ ${may[$1]} == *" $2 "* || $exceptions == *$'\n'"$1 ${3:-none}"$'\n'* ]]
}

includes() { # DIRECTORY: each include between rooms: file, header
	grep -roE '^[ \t]*#[ \t]*include "[a-z]+/[a-z_0-9]+\.h"' "$1/user" --include='*.[ch]' | sed -E "s,^$1/,,; s,:.*\"(.*)\",\t\1,"
}

# Prints the undefined symbols of each object that an object of another room defines, except those of lib
symbols() { # DIRECTORY of objects: file, function, file that defines it
	(cd "$1" && find . -mindepth 2 -name '*.o' | LC_ALL=C sort | xargs nm -A) | awk '
		BEGIN {n = 0}
		{sub(/^\.\//, "")}
		NF == 3 && $2 == "U" {from[n] = substr($1, 1, length($1) - 1); lacks[n++] = $3}
		NF == 3 && $2 != "U" {split($1, word, ":"); if ($2 ~ /[A-TV-Z]/) at[$3] = word[1]}
		function room(path) {return substr(path, 1, index(path, "/") - 1)}
		END {
			for (i = 0; i < n; i++)
				if (lacks[i] in at && room(at[lacks[i]]) != room(from[i]) && room(at[lacks[i]]) != "lib")
					print from[i] "\t" lacks[i] "\t" at[lacks[i]]
		}'
}

check() { # DIRECTORY of sources, DIRECTORY of objects: prints what is wrong
	local file header function other room lines
	while IFS=$'\t' read -r file header; do
		room=${file#user/} room=${room%%/*} other=${header%%/*}
		[[ ${may[$other]:-} ]] || continue # belongs to include/ or to the build
		allowed "$room" "$other" "$header" || echo "$file includes $header: $room/ may not use $other/"
	done < <(includes "$1")
	while IFS=$'\t' read -r file function header; do
		room=${file%%/*} other=${header%%/*} header=${header%.o}.h
		allowed "$room" "$other" "$header" || echo "$file calls $function() of ${header%.h}.c: $room/ may not use $other/"
	done < <(symbols "$2")
	for file in "$1"/user/*; do
		[[ -d $file && ${may[${file##*/}]:-} ]] || echo "user/${file##*/}: not a room of the table"
	done
	for room in "${!budget[@]}"; do
		lines=$(find "$1/user/$room" -name '*.[ch]' -exec cat {} + | wc -l)
		((lines <= budget[$room])) || echo "user/$room has $lines lines, and its budget is ${budget[$room]}: delete before you add"
	done
}

# --- five wrong doors and a room that has outgrown its budget, each with what is to be said of it
seeds=(
	'user/lib/text.c includes config/config.h'
	'user/plan/plan.c includes daemon/daemon.h'
	'user/show/show.c includes cmd/command.h'
	'user/config/config.h includes instance/run_state.h'
	'lib/seeded.o calls config_check()'
	'user/ddns has'
)
seed() { # NUMBER, below the directory: the tree and its objects get that door
	local file=${seeds[$1]%% *} header=${seeds[$1]##* }
	case $header in
	has) printf '\n%.0s' {1..1000} >> user/ddns/ddns.c ;;
	*.h) sed -i "1i #include \"$header\"" "$file" ;;
	*) echo "void ${header%()}(void); void seeded(void) { ${header%()}(); }" | ${CC:-gcc} -x c -c - -o "objects/$file" ;;
	esac
}

case ${1:-} in
--table) markdown; exit ;;
esac
objects=${O:-build}/user
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r user "$copy"
cp -r "$objects" "$copy/objects"
for n in "${!seeds[@]}"; do (cd "$copy" && seed "$n"); done
found=$(check "$copy" "$copy/objects")
if [[ ${BREAK:-} ]]; then
	bad=$found
else
	bad=$(check . "$objects")
	for n in "${!seeds[@]}"; do
		[[ $found == *"${seeds[$n]}"* ]] || bad+=$'\n'"not found: ${seeds[$n]}"
	done
fi
page=$(< docs/design.md)
[[ $page == *"$(markdown)"* ]] || bad+=$'\n''docs/design.md does not show the table of tests/lint/rooms.sh --table'
places=$(sed -n '/^## Where a change goes$/,/^## From/p' docs/design.md | grep '^|' | tail -n +3 | sed 's/.*|\(.*\)|$/\1/' | grep -oE '`[^`]+`' | tr -d '`')
(($(wc -l <<< "$places") >= 30)) || bad+=$'\n''docs/design.md, Where a change goes: fewer than 30 places'
while IFS= read -r place; do
	[[ -e $place ]] || bad+=$'\n'"docs/design.md, Where a change goes: $place does not exist"
done <<< "$places"
[[ ! $bad ]] || { echo "$bad"; exit 1; }
echo "$(includes . | wc -l) includes and $(symbols "$objects" | wc -l) calls between rooms, all allowed"
