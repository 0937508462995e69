#!/bin/sh
# Builds the guests whose .wasm files are committed, byte for byte: the tools'
# versions are part of their names, and nothing in the output depends on where
# or when it was built.
#
#   guests/build.sh           replace the committed files
#   guests/build.sh --check   build to a temporary folder and compare
#
# Debian: apt-get install clang-14 lld-14 wabt. Set CLANG, WASM_LD or WAT2WASM
# to use others.
set -eu
cd "$(dirname "$0")"

clang=${CLANG:-clang-14}
wasm_ld=${WASM_LD:-wasm-ld-14}
wat2wasm=${WAT2WASM:-wat2wasm}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build_c NAME: NAME/NAME.c. wasm-ld is called directly because the driver of
# clang runs whatever wasm-opt it finds. The stack comes first in memory, so
# that overflowing it traps instead of writing over data. Of the custom
# sections only the functions' names stay: a trap's trace is readable then.
build_c() {
	"$clang" --target=wasm32 -std=c11 -ffreestanding -nostdlib -O2 -mbulk-memory \
		-Wall -Wextra -Werror -Wno-unused-function -Wno-int-to-pointer-cast \
		-fno-ident -c "$1/$1.c" -o "$work/$1.o"
	"$wasm_ld" --no-entry --gc-sections --strip-debug --stack-first -z stack-size=16384 \
		-o "$work/$1.wasm" "$work/$1.o"
}

# build_wat NAME: NAME/NAME.wat.
build_wat() {
	"$wat2wasm" --debug-names "$1/$1.wat" -o "$work/$1.wasm"
}

build_c echo
build_c chat
build_wat echo-wat

failed=0
for name in echo chat echo-wat; do
	if [ "${1-}" != --check ]; then
		install -m 644 "$work/$name.wasm" "$name/$name.wasm"
	elif ! cmp "$work/$name.wasm" "$name/$name.wasm"; then
		failed=1
	fi
done
exit $failed
