#!/bin/sh
# mongod as a replica set of one whose clients must log in. Members prove to each other who they are by a key file,
# which only the server's user may read.
set -e
umask 077
printf '%s' "$MONGO_KEY" >/data/db/.key
unset MONGO_KEY
if id mongodb >/dev/null 2>&1; then chown mongodb /data/db/.key; fi
exec docker-entrypoint.sh mongod --replSet rs0 --keyFile /data/db/.key \
  --networkMessageCompressors disabled --oplogSize 512 --wiredTigerCacheSizeGB 0.5 --setParameter transactionLifetimeLimitSeconds=10
