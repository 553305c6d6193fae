#!/usr/bin/env bash
# The end-to-end suite against a compose project of its own, on ports of its own, removed at the end.
set -euo pipefail
cd "$(dirname "$0")/../.."
export GATEWAY_PORT=${GATEWAY_PORT:-18080} S3_PORT=${S3_PORT:-18333} KAFKA_PORT=${KAFKA_PORT:-19092} AWS_PORT=${AWS_PORT:-15000}
compose() { ${COMPOSE:-docker-compose} --project-name docstore-test -f docker-compose.yml -f deploy/compose/test.yml "$@"; }

finish() {
  status=$?
  if [ $status -ne 0 ]; then compose logs --tail 50; fi
  compose down --volumes --timeout 5 >/dev/null 2>&1
  exit $status
}
trap finish EXIT

compose build --quiet
compose up --detach
for _ in $(seq 60); do
  if curl --silent --fail --output /dev/null "http://127.0.0.1:$GATEWAY_PORT/readyz"; then break; fi
  sleep 1
done

set -a && . ./.env && set +a
export DOCSTORE_E2E_URL=http://127.0.0.1:$GATEWAY_PORT
export DOCSTORE_E2E_KAFKA=127.0.0.1:$KAFKA_PORT DOCSTORE_E2E_KAFKA_USERNAME=operator
export DOCSTORE_E2E_KAFKA_PASSWORD=$KAFKA_OPERATOR_PASSWORD
export DOCSTORE_E2E_ADMIN_EMAIL=${ADMIN_EMAIL:-admin@docstore.localhost} DOCSTORE_E2E_ADMIN_PASSWORD=$ADMIN_PASSWORD
export DOCSTORE_E2E_S3_ENDPOINT=http://127.0.0.1:$S3_PORT DOCSTORE_E2E_S3_BUCKET=docstore-content-us-west-2
export DOCSTORE_E2E_S3_KEY_ID=$S3_OPERATOR_ACCESS_KEY_ID DOCSTORE_E2E_S3_SECRET=$S3_OPERATOR_SECRET_ACCESS_KEY
export DOCSTORE_E2E_MAILBOX=http://127.0.0.1:$AWS_PORT DOCSTORE_E2E_SMALL_LIMITS=1
env -u DOCSTORE_INTERNAL_SECRET -u DOCSTORE_RESET_LINK_SECRETS \
  .venv/bin/pytest tests/e2e "$@"
