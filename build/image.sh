#!/bin/sh
# Puts what an image of Gatehouse holds into an empty folder: the program without its tests, and the packages it needs at run time.
# The Dockerfile runs it; it runs in any checkout as well, with npm and nothing else. Arguments after the folder go to npm.
set -eu

if [ $# -lt 1 ]; then
  echo 'usage: build/image.sh FOLDER [npm option]...' >&2
  exit 2
fi
target=$1
shift
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)

mkdir -p "$target"
if [ -n "$(ls -A "$target")" ]; then
  echo "build/image.sh: $target is not empty" >&2
  exit 1
fi
target=$(CDPATH='' cd -- "$target" && pwd -P)

cd "$root"
cp package.json package-lock.json LICENSE "$target"
mkdir "$target/bin"
cp bin/gatehouse "$target/bin/gatehouse"

# Tests, and what only tests use, stay behind; the demo's shop comes along, as `gatehouse demo` is a command like the others.
find core controller proxy examples -type f \
  ! -name '*.test.ts' ! -path '*/testing/*' ! -path '*/testdata/*' ! -path '*/fixture/*' |
  while read -r file; do
    mkdir -p "$target/$(dirname "$file")"
    cp "$file" "$target/$file"
  done

# The image brings Node.js itself, which is what the optional packages are for. No package may run a script of its own.
cd "$target"
npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund "$@" >&2

# Whoever runs it, be it uid 65532, may read all of it and write none of it.
chmod -R u=rwX,go=rX "$target"
