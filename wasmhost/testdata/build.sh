#!/bin/sh
# Assembles the guests of this directory. Needs wat2wasm of wabt; the .wasm files
# are committed, so that the tests need nothing but Go. Function names are kept:
# the tests look for them in the stacks of traps.
set -eu
cd "$(dirname "$0")"
for wat in *.wat refuse/*.wat; do
	wat2wasm --enable-all --debug-names "$wat" -o "${wat%.wat}.wasm"
done
for wat in image/*.wat; do # where typed references would be in the way
	wat2wasm --debug-names "$wat" -o "${wat%.wat}.wasm"
done
