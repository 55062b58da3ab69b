#!/bin/sh
# Finds Caddy, or installs it with the system's package manager where that is allowed.
set -eu
command -v caddy >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing caddy …" >&2
    apt-get update -qq
    # Without the service that Debian would start with it: the tests start their own.
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends caddy >/dev/null
    exit 0
fi
echo "The tests of the Caddyfile need Caddy. Install it, for example: sudo apt-get install caddy" >&2
exit 1
