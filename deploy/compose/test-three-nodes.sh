#!/usr/bin/env bash
# Starts a compose project of three nodes, on ports of its own, and lets each node fail while files are uploaded.
set -euo pipefail
cd "$(dirname "$0")/../.."
export GATEWAY_PORT=${GATEWAY_PORT:-18180} S3_PORT=${S3_PORT:-18433} AWS_PORT=${AWS_PORT:-15100}
export KAFKA_PORT=${KAFKA_PORT:-19192} KAFKA_2_PORT=${KAFKA_2_PORT:-19292} KAFKA_3_PORT=${KAFKA_3_PORT:-19392}
compose="${COMPOSE:-docker-compose} --project-name docstore-three-nodes -f docker-compose.yml -f deploy/compose/three-nodes.yml -f deploy/compose/test.yml"

finish() {
  status=$?
  if [ $status -ne 0 ]; then $compose logs --tail 50; fi
  $compose down --volumes --timeout 5 >/dev/null 2>&1
  exit $status
}
trap finish EXIT

$compose build --quiet
$compose up --detach
ready() { curl --silent --fail --output /dev/null "http://127.0.0.1:$GATEWAY_PORT/readyz"; }
for _ in $(seq 120); do
  if ready; then break; fi
  sleep 1
done
ready || { echo "not ready after two minutes" >&2; exit 1; }
DOCSTORE_E2E_NODES="$compose" DOCSTORE_E2E_URL=http://127.0.0.1:$GATEWAY_PORT \
  .venv/bin/pytest deploy/compose/tests/test_node_failures.py -n0 -s "$@"
