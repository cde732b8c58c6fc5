#!/usr/bin/env bash
# Builds the console again, beside web/dist, and compares the two byte by byte. Exit 1 when they differ.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
GHOST_WEB_OUT=$fresh/dist node_modules/.bin/vite build --logLevel warn
if ! diff -rq dist "$fresh/dist"; then
  echo "web/dist is not what web/src makes: run 'npm run build' in web/ and commit web/dist" >&2
  exit 1
fi
