#!/bin/sh
# Lays out in the working folder what Dockerfile copies.
set -e
mkdir -p volume root/opt root/usr root/etc root/run root/proc root/sys root/dev root/var
ln -s ../run root/var/run
mkdir -m 1777 root/tmp root/run/postgresql
touch volume/.keep
for dir in bin lib lib64; do ln -s usr/$dir root/$dir; done
echo service:x:999:999::/tmp:/bin/sh >root/etc/passwd
echo service:x:999: >root/etc/group
printf '#!/bin/sh\nexec %s "$@" --protected-mode no\n' "$(command -v valkey-server || command -v redis-server)" >root/opt/valkey-server # as in the real image
ln -s "$(command -v valkey-cli || command -v redis-cli)" root/opt/valkey-cli
for program in initdb postgres pg_isready psql; do ln -s "$(echo /usr/lib/postgresql/*/bin/$program)" root/opt/$program; done
cat >root/opt/postgres.sh <<'END'
#!/bin/sh
set -e
data=/var/lib/postgresql/data
initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-host=scram-sha-256 --auth-local=trust -D $data
echo host all all all scram-sha-256 >>$data/pg_hba.conf
echo "CREATE DATABASE $POSTGRES_USER" | postgres --single -D $data postgres
exec postgres -D $data -c listen_addresses='*'
END
chmod 755 root/opt/postgres.sh root/opt/valkey-server
