#!/bin/sh
# Finds Chromium, or installs it with the system's package manager where that is allowed.
set -eu
for name in chromium-headless-shell chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing chromium …" >&2
    apt-get update -qq
    apt-cache show chromium-headless-shell >/dev/null 2>&1 && program=chromium-headless-shell || program=chromium
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "$program" fonts-inter fonts-noto-core fonts-noto-color-emoji >/dev/null
    exit 0
fi
echo "The browser tests need Chromium. Install it, for example: sudo apt-get install chromium" >&2
exit 1
