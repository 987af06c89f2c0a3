#!/usr/bin/env bash
#SBATCH --job-name=pretrain_two_phases
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@300
#SBATCH --time=24:00:00
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=1
#
# NVIDIA's two LAMB phases as one job: short rows at a large batch, then long rows from the weights and moments that
# the first phase has left. The job goes on by itself after its time limit, in whichever phase it was.
#
#   sbatch --nodes=32 --ntasks-per-node=16 --cpus-per-task=4 slurm/pretrain_two_phases.sh
#
# What stands behind the script's name goes to hpml_pretrain in both phases. Variables:
#   HPML_DATA, HPML_DATA2      shards of 128 and of 512 tokens; default: data/prepared-128 and data/prepared-512 in the
#                              folder of submission (hpml_prepare --sequence-length 128 --sequence-length 512)
#   HPML_RUN                   run directories are this and /phase1, /phase2; default: runs/<job name> there
#   HPML_CONFIG, HPML_CONFIG2  options of the phases; default: jobs/pretrain_lamb_phase1.cfg and _phase2.cfg
# and those of launch.sh.
set -euo pipefail

# Slurm runs a copy of this file; the plumbing lies beside the original or in an installed tree.
script="$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's/^ *Command=\([^ ]*\).*/\1/p' || true)"
for folder in "$(dirname "${script:-/}")" "${HPML_ROOT:-}/share/hpml/slurm" "${SLURM_SUBMIT_DIR:-.}/slurm"; do
    if [[ -r "$folder/launch.sh" ]]; then
        # shellcheck source=slurm/launch.sh
        source "$folder/launch.sh"
        break
    fi
done
[[ "$(type -t hpml_launch)" == function ]] || {
    echo "pretrain_two_phases: error: launch.sh was not found; submit from the source tree or load the hpml module" >&2
    exit 66
}

hpml_find hpml_pretrain
here="${SLURM_SUBMIT_DIR:-.}"
run="${HPML_RUN:-$here/runs/${SLURM_JOB_NAME:-pretrain_two_phases}}"
data1="${HPML_DATA:-$here/data/prepared-128}" data2="${HPML_DATA2:-$here/data/prepared-512}"
config1="${HPML_CONFIG:-$HPML_HOME/jobs/pretrain_lamb_phase1.cfg}"
config2="${HPML_CONFIG2:-$HPML_HOME/jobs/pretrain_lamb_phase2.cfg}"
for data in "$data1" "$data2"; do
    [[ -r "$data/manifest.json" ]] || hpml_stop "no shards in $data; make them with
  hpml_prepare --input TEXT... --vocab vocab.txt --output $data
or set HPML_DATA and HPML_DATA2 to folders that hpml_prepare made"
done

is_finished() { [[ "$(hpml_status --brief "$1" || true)" == finished ]]; }

if ! is_finished "$run/phase1"; then
    hpml_launch "$run/phase1" hpml_pretrain --config "$config1" --data "$data1" --run "$run/phase1" "$@"
    # Interrupted: the job is back in the queue and begins here again.
    is_finished "$run/phase1" || exit 0
fi
hpml_launch "$run/phase2" hpml_pretrain --config "$config2" --data "$data2" --run "$run/phase2" \
    --init-from "$run/phase1" --init-moments "$@"
