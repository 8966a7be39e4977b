# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion for bash. wgxdp itself knows its commands, options and values: `wgxdp complete WORD...`
# prints the completions of the last word, or @file if a file name belongs there.

_wgxdp() {
	local word=${COMP_WORDS[COMP_CWORD]} words completion
	words=$(command wgxdp complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null | cut -f 1)
	if [[ $words == @file ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	else
		COMPREPLY=()
		# not compgen -W, which runs what is in $( ): whoever creates an interface chooses its name
		while IFS= read -r completion; do
			[[ ! $completion || $completion != "$word"* ]] || COMPREPLY+=("$completion")
		done <<< "$words"
	fi
}
complete -F _wgxdp -o filenames wgxdp
