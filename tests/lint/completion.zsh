# SPDX-License-Identifier: GPL-2.0-or-later
# zsh -f completion.zsh WORD...: prints what an interactive zsh makes of the last word when Tab is pressed.
# wgxdp in PATH prints "called with" and its arguments.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($PWD/scripts/completion \$fpath); autoload -U compinit; compinit -u -D; echo ready"
zpty -r -m shell text '*ready*ready*' # the second one is the output
zpty -w shell "wgxdp $*"$'\t'
zpty -r -m shell text $'*called with*\n*'
zpty -d shell
text=${${text##*called with}%%$'\r'*}
print -r -- ${text##* }
