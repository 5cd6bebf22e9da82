#!/usr/bin/env bash
# What others wrote and we build in: known holes, licences, where it comes from. The advisories come from no network.
#   .ci/supply.sh [LOCK=Cargo.lock]
# cargo-audit and cargo-deny must be on the path. The database of advisories (RustSec's, as files) is the folder
# COMMONGRAPH_ADVISORIES, or else ../shared/advisory-db beside the repository; without one, nothing is checked, and a line
# says so. What is let by stands in deny.toml, each with its reason, and counts for both tools.
set -euo pipefail
cd "$(dirname "$0")/.."
lock=${1:-Cargo.lock}
database=${COMMONGRAPH_ADVISORIES:-../shared/advisory-db}
if [[ ! -d $database/crates ]]; then
  echo "supply.sh: skipped: there is no database of advisories at $database (COMMONGRAPH_ADVISORIES)"
  exit 0
fi
for tool in cargo-audit cargo-deny; do
  command -v "$tool" >/dev/null || { echo "supply.sh: $tool is not installed" >&2; exit 2; }
done
database=$(cd "$database" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# The exceptions are written once, for both.
mapfile -t excepted < <(sed -n 's/^ *{ id = "\(RUSTSEC-[0-9-]*\)", reason = ".\{20,\}" },$/\1/p' deny.toml)
[[ ${#excepted[@]} = $(grep -c '^[^#]*RUSTSEC-' deny.toml || true) ]] || {
  echo 'supply.sh: an exception in deny.toml has no reason: { id = "RUSTSEC-…", reason = "…" }, on a line of its own' >&2
  exit 1
}

echo "advisories: $(find "$database/crates" -name 'RUSTSEC-*.md' | wc -l), exceptions: ${#excepted[@]}"
cargo-audit audit --file "$lock" --db "$database" --no-fetch --stale \
  --deny unsound --deny unmaintained --deny yanked "${excepted[@]/#/--ignore=}"

# cargo-deny takes a database only as a clone that was fetched, in a folder named after its address.
settings=$place/deny.toml clone=$place/databases/advisory-db-3157b0e258782691
mkdir -p "$clone"
cp -r "$database/." "$clone"
git -C "$clone" init --quiet
git -C "$clone" add --all
git -C "$clone" -c user.name=ci -c user.email=ci@localhost commit --quiet --message data
git -C "$clone" fetch --quiet . HEAD
sed "s|^\[advisories\]$|&\ndb-path = \"$place/databases\"\nmaximum-db-staleness = \"P400D\"|" deny.toml >"$settings"
cargo fetch --quiet --locked
cargo-deny --offline --locked --config "$settings" check --hide-inclusion-graph
