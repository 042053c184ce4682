#!/bin/bash
# Runs rpm on ROOT, into which it puts this machine's /usr and devices for the scripts of the package, below what is written there.
# usage: rpm.sh ROOT ARGUMENTS, within a mount namespace of its own
set -e
root=$1
shift
mount --make-rprivate /
mkdir -p "$root"/{dev,etc,proc,run,usr} "$root.work"
for dir in bin sbin lib lib64; do ln -sfn usr/$dir "$root/$dir"; done
mount -t overlay -o "lowerdir=/usr,upperdir=$root/usr,workdir=$root.work" overlay "$root/usr"
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
exec rpm --root="$root" --nodeps --nosignature "$@"
