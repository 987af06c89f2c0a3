#!/usr/bin/env bash
#SBATCH --job-name=pretrain_bert
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@300
#SBATCH --time=24:00:00
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=1
#
# Pretrain a BERT-class encoder; the job goes on by itself after its time limit.
#
#   sbatch slurm/pretrain_bert.sh
#   sbatch --nodes=4 --ntasks-per-node=16 --cpus-per-task=4 slurm/pretrain_bert.sh --optimizer lamb
#
# What stands behind the script's name goes to hpml_pretrain. Variables:
#   HPML_DATA    the shards that hpml_prepare made, or a folder of masked HDF5 files; default: data/prepared in the
#                folder of submission
#   HPML_RUN     the run directory; default: runs/<job name> there, so that the same command goes on
#   HPML_CONFIG  options of the run; default: jobs/pretrain_bert_base.cfg
# and those of launch.sh.
#
# hpml_pretrain knows the job's end (SLURM_JOB_END_TIME, else squeue) and stops in time by itself; where it cannot
# know it, --signal warns it. Its 300 s must exceed one step, one checkpoint and a minute; the log tells what
# checkpoints take. After a stop the job goes back into the queue, and the run goes on.
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
    echo "pretrain_bert: error: launch.sh was not found; submit from the source tree or load the hpml module" >&2
    exit 66
}

hpml_find hpml_pretrain
data="${HPML_DATA:-${SLURM_SUBMIT_DIR:-.}/data/prepared}"
run="${HPML_RUN:-${SLURM_SUBMIT_DIR:-.}/runs/${SLURM_JOB_NAME:-pretrain_bert}}"
config="${HPML_CONFIG:-$HPML_HOME/jobs/pretrain_bert_base.cfg}"
masked="$(find -L "$data" \( -name '*.hdf5' -o -name '*.h5' \) -print -quit 2>/dev/null || true)"
[[ -r "$data/manifest.json" || -n "$masked" ]] || hpml_stop "no shards in $data; make them with
  hpml_prepare --input TEXT... --vocab vocab.txt --output $data
or set HPML_DATA to a folder that hpml_prepare made"

hpml_launch "$run" hpml_pretrain --config "$config" --data "$data" --run "$run" "$@"
