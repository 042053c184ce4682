#!/bin/sh
# The old process serves on through an upgrade, until you restart it. "remove" is what dpkg says, 0 what rpm does.
set -e
case $1 in remove | 0)
	if [ -d /run/systemd/system ]; then systemctl disable --now sallyport.service; fi ;;
esac
