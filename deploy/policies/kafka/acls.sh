#!/bin/sh
# Written by `make generate` from what the services' code consumes and publishes. For a broker with an authorizer:
#   KAFKA_ACLS="kafka-acls.sh --bootstrap-server kafka:9092 --command-config admin.properties" sh acls.sh
# A service's principal is User:<its name>. Doing it again changes nothing.
set -eu
KAFKA_ACLS=${KAFKA_ACLS:?how to call kafka-acls.sh}
allow() {
  principal=$1
  shift
  $KAFKA_ACLS --add --force --allow-principal "User:$principal" "$@" >/dev/null
}

# Whose topic is not there is to see that, and not that it is forbidden: all may look for all of them.
every='--topic accounts --topic accounts.dlq --topic calls --topic calls.dlq --topic files --topic files.dlq --topic notifications --topic notifications.dlq --topic shares --topic shares.dlq --topic uploads --topic uploads.dlq --topic usage --topic usage.dlq'

# Makes the topics before an install or upgrade.
allow provision --operation Create --operation Describe $every

# Scales by what is unread (KEDA).
allow keda --operation Describe $every --group accounts --group analytics --group indexer --group media --group metadata --group notify --group quota

allow accounts --operation Describe $every
allow accounts --operation Read --topic accounts --group accounts
allow accounts --operation Write --topic accounts --topic accounts.dlq

allow analytics --operation Describe $every
allow analytics --operation Read --topic accounts --topic calls --topic files --topic notifications --topic shares --topic uploads --topic usage --group analytics
allow analytics --operation Write --topic accounts.dlq --topic calls.dlq --topic files.dlq --topic notifications.dlq --topic shares.dlq --topic uploads.dlq --topic usage.dlq

allow gateway --operation Describe $every
allow gateway --operation Read --topic accounts --topic calls --topic files --topic notifications --topic shares --topic uploads --topic usage
allow gateway --operation Write --topic calls

allow indexer --operation Describe $every
allow indexer --operation Read --topic accounts --topic files --group indexer
allow indexer --operation Write --topic accounts.dlq --topic files --topic files.dlq

allow media --operation Describe $every
allow media --operation Read --topic files --group media
allow media --operation Write --topic files --topic files.dlq

allow metadata --operation Describe $every
allow metadata --operation Read --topic accounts --topic files --group metadata
allow metadata --operation Write --topic accounts.dlq --topic files --topic files.dlq --topic shares

allow notify --operation Describe $every
allow notify --operation Read --topic accounts --topic files --topic shares --topic uploads --topic usage --group notify
allow notify --operation Write --topic accounts.dlq --topic files.dlq --topic notifications --topic shares.dlq --topic uploads.dlq --topic usage.dlq

allow quota --operation Describe $every
allow quota --operation Read --topic accounts --topic files --topic uploads --group quota
allow quota --operation Write --topic accounts.dlq --topic files.dlq --topic uploads.dlq --topic usage

allow upload --operation Describe $every
allow upload --operation Write --topic uploads
