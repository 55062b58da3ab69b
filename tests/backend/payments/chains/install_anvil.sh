#!/bin/sh
# Finds anvil, an EVM node for tests, or installs it from npm into the venv; npm itself with the system's package
# manager where that is missing and allowed.
set -eu
version=1.7.1
place=.venv/anvil
stamp="$place/.version"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$version" ] && exit 0
if ! command -v npm >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "installing npm …" >&2
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm >/dev/null
    else
        echo "The chain tests need npm for anvil. Install it, for example: sudo apt-get install npm" >&2
        exit 1
    fi
fi
echo "installing anvil …" >&2
mkdir -p "$place"
# The node is a package of its own for each system: no script of the package has to run.
npm install --prefix "$place" --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error \
    "@foundry-rs/anvil@$version" >&2
printf %s "$version" >"$stamp"
