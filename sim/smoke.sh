#!/usr/bin/env bash
# smoke.sh SIM SIM_CHEAP STEPS: what every test run plays: STEPS steps with cheap keys, a fortieth of them with real
# ones; and that a seed plays the same run twice.
set -euo pipefail
sim=$1 cheap=$2 steps=$3

"$cheap" --seed 1 --steps "$steps"
"$sim" --seed 1 --steps "$((steps / 40))"

# All figures but the time taken, the digest of every answer among them.
figures() { "$cheap" --seed 77 --steps 4000 | sed 's/ cpu=.*//'; }
first=$(figures)
second=$(figures)
if [ "$first" != "$second" ]; then
    printf 'one seed, two runs:\n%s\n%s\n' "$first" "$second"
    exit 1
fi
