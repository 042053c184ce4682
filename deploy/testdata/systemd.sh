#!/bin/bash
# Runs systemd and the unit in ROOT, cut off from this machine: processes, network, names and mounts are its own, /proc/sys
# and /usr are read-only, what it calls / is ROOT, and of cgroups it has one of its own. Nothing else of it is started.
# usage: systemd.sh ROOT CGROUP, a folder that is made in a file system of type cgroup2
set -e
if [ "$3" != inside ]; then
	mkdir "$2"
	echo $$ >"$2/cgroup.procs"
	exec unshare --mount --pid --fork --net --ipc --uts --cgroup --kill-child "$BASH" "$0" "$1" "$2" inside
fi
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mkdir -p old proc sys dev run tmp var/log etc/systemd/system/sallyport.service.d etc/systemd/system-generators
mount -t overlay -o "ro,lowerdir=$1/usr:/usr" overlay usr
for dir in bin sbin lib lib64; do ln -sfn usr/$dir $dir; done
for dir in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs $dir; done
chmod 1777 tmp
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for device in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
	set -- $device
	mknod -m 666 dev/$1 c $2 $3
done
mkdir dev/shm dev/pts dev/mqueue dev/hugepages
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
: >dev/console
# No target brings anything along, and no generator makes units.
for target in sysinit basic shutdown network-online; do
	printf '[Unit]\nDefaultDependencies=no\n' >etc/systemd/system/$target.target
done
for generator in usr/lib/systemd/system-generators/*; do ln -sfn /dev/null "etc/systemd/system-generators/${generator##*/}"; done
printf '[Service]\nStandardOutput=file:/run/out\nStandardError=file:/run/out\n' >etc/systemd/system/sallyport.service.d/out.conf
[ -s etc/machine-id ] || echo 0123456789abcdef0123456789abcdef >etc/machine-id
grep -q ^root: etc/passwd || echo root:x:0:0::/root:/bin/sh >>etc/passwd
ip link set lo up
pivot_root . old
umount -l /old
mount --make-rshared / # so that secrets reach the service
export container=other
exec setpriv --bounding-set -sys_boot,-sys_module,-sys_time,-syslog /lib/systemd/systemd --system --unit=sallyport.service --show-status=no
