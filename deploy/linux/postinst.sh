#!/bin/sh
# The user, and the config for root and that user alone. Nothing is started: the config is not yours yet.
set -e
root=${DPKG_ROOT:-}
systemd-sysusers ${root:+--root="$root"} sallyport.conf
systemd-tmpfiles ${root:+--root="$root"} --create sallyport.conf
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
