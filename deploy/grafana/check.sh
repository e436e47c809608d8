#!/usr/bin/env bash
# Holds the dashboard against Grafana's own published types (@grafana/schema, by TypeScript): a field that they don't
# know, or one that is missing or of another kind, is an error. Wants node and npm; leaves nothing behind.
set -euo pipefail
dashboard=$(realpath "$(dirname "$0")/blockfeed.json")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund @grafana/schema@13 typescript@5
{
  echo 'import { Dashboard } from "@grafana/schema";'
  echo 'export const dashboard: Dashboard ='
  cat "$dashboard"
} >check.ts
npx tsc --noEmit --skipLibCheck --strict --module nodenext --moduleResolution nodenext --target es2022 check.ts
echo "grafana: the dashboard is one by @grafana/schema $(node -p 'require("./node_modules/@grafana/schema/package.json").version')"
