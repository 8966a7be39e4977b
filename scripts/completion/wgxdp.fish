# SPDX-License-Identifier: GPL-2.0-or-later
# Completion for fish: see wgxdp.bash

function __wgxdp_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (command wgxdp complete $words[2..-1] 2> /dev/null)
    if test "$found" = @file
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c wgxdp -f -a '(__wgxdp_complete)'
