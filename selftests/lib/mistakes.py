#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
# mistakes FILE DIRECTORY: makes each mistake of FILE in DIRECTORY, and compares the output and the exit status with
# FILE. tests/mistakes describes the format. `wgxdp save` must print the same before and after. With UPDATE=1 it writes
# FILE again, for a person to check. Prints the number of mistakes.
import os
import re
import subprocess
import sys

PLACE = re.compile(r"^  \S+:\d+:\d+: error: ", re.M)


def parse(text):
    """Yields (title, file, command, said) of each paragraph that has a command."""
    for paragraph in text.split("\n\n"):
        lines = paragraph.strip("\n").split("\n")
        command = next((line[2:] for line in lines if line.startswith("$ ")), None)
        if not command:
            continue
        title = next(line[2:] for line in lines if line.startswith("# "))
        yaml = [line[2:] for line in lines if line.startswith("| ") or line == "|"]
        said = [line for line in lines if line.startswith("  ") or line.startswith("[")]
        yield title, yaml, command, said


def make(directory, yaml, command):
    file = f"{directory}/wgxdp.yaml"
    if os.path.exists(file):
        os.remove(file)
    if yaml:
        with open(file, "w", encoding="utf-8", newline="") as out:
            out.write("\n".join(yaml) + "\n")
    done = subprocess.run(["bash", "-c", command], cwd=directory, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60)
    lines = [("  " + line).rstrip() or "  ." for line in done.stdout.rstrip("\n").split("\n")]
    return lines + [f"[{done.returncode}]"]


def saved():
    return subprocess.run(["wgxdp", "save"], check=True, stdout=subprocess.PIPE, text=True).stdout


def answer_wrong(yaml, now):
    if now[-1] == "[0]":
        return "no mistake, by its exit status"
    if yaml and not PLACE.search("\n".join(now)):
        return "no place of the mistake in the file"
    return None


def main():
    name, directory = sys.argv[1:]
    update = os.environ.get("UPDATE")
    with open(name, encoding="utf-8") as file:
        text = file.read()
    before, out, wrong, n = saved(), [text.split("\n\n")[0].rstrip("\n")], 0, 0
    for title, yaml, command, said in parse(text):
        n += 1
        now = make(directory, yaml, command)
        why = answer_wrong(yaml, now) or ("it changed what runs" if saved() != before else None)
        if why or (now != said and not update):
            wrong += 1
            print(title, f"$ {command}", f"expected: {why or ''}", *said, "got:", *now, "", sep="\n")
        out.append("\n".join([f"# {title}", *(f"| {y}".rstrip() for y in yaml), f"$ {command}", *now]))
    if update:
        with open(name, "w", encoding="utf-8") as file:
            file.write("\n\n".join(out) + "\n")
    if wrong:
        sys.exit(f"{wrong} of {n} answers are wrong")
    print(n)


main()
