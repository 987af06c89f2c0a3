#!/usr/bin/env bash
#SBATCH --job-name=finetune_glue
#SBATCH --output=%x-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@300
#SBATCH --time=04:00:00
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=1
#SBATCH --array=1-12
#
# Fine-tune on GLUE: one array element per line of a table with task, learning rate and seed.
#
#   HPML_INIT_FROM=runs/pretrain_bert sbatch slurm/finetune_glue.sh
#   HPML_TABLE=my.tsv sbatch --array=1-3 slurm/finetune_glue.sh --epochs 5
#
# What stands behind the script's name goes to hpml_finetune. Variables:
#   HPML_GLUE       the folder that holds CoLA/, SST-2/, MRPC/, STS-B/; default: data/glue in the folder of
#                   submission
#   HPML_INIT_FROM  a pretraining run, checkpoint or Hugging Face folder; default: $HPML_RUN, else
#                   runs/pretrain_bert there
#   HPML_FINETUNED  where the runs go; default: runs/glue there; each is TASK-lrRATE-seedSEED below it
#   HPML_TABLE      default: jobs/finetune_glue.tsv
# and those of launch.sh.
#
# An element that its time limit or the signal stops saves, goes back into the queue and goes on there. One that is
# killed before starts over; one that has finished with the same settings only shows its results.
set -euo pipefail

# Slurm runs a copy of this file; the plumbing lies beside the original or in an installed tree.
script="$(scontrol show job "${SLURM_JOB_ID:-none}" 2>/dev/null | sed -n 's/^ *Command=\([^ ]*\).*/\1/p' | head -n 1 || true)"
for folder in "$(dirname "${script:-/}")" "${HPML_ROOT:-}/share/hpml/slurm" "${SLURM_SUBMIT_DIR:-.}/slurm"; do
    if [[ -r "$folder/launch.sh" ]]; then
        # shellcheck source=slurm/launch.sh
        source "$folder/launch.sh"
        break
    fi
done
[[ "$(type -t hpml_launch)" == function ]] || {
    echo "finetune_glue: error: launch.sh was not found; submit from the source tree or load the hpml module" >&2
    exit 66
}

hpml_find hpml_finetune
here="${SLURM_SUBMIT_DIR:-.}"
table="${HPML_TABLE:-$HPML_HOME/jobs/finetune_glue.tsv}"
index="${SLURM_ARRAY_TASK_ID:-1}"
line="$(grep -v '^#' "$table" | sed -n "${index}p")"
[[ -n "$line" ]] || hpml_stop "$table has no line $index; submit with --array=1-$(grep -vc '^#' "$table")"
IFS=$'\t' read -r task learning_rate seed <<<"$line"

declare -A folder_of=([cola]=CoLA [sst2]=SST-2 [mrpc]=MRPC [stsb]=STS-B)
data="${HPML_GLUE:-$here/data/glue}/${folder_of[$task]:?unknown task in $table}"
run="${HPML_FINETUNED:-$here/runs/glue}/$task-lr$learning_rate-seed$seed"
[[ -d "$data" ]] || hpml_stop "$data does not exist; set HPML_GLUE to the folder that holds the GLUE tasks"

hpml_launch "$run" hpml_finetune --config "$HPML_HOME/jobs/finetune_$task.cfg" --task "$task" --data "$data" \
    --init-from "${HPML_INIT_FROM:-${HPML_RUN:-$here/runs/pretrain_bert}}" --run "$run" \
    --learning-rate "$learning_rate" --seed "$seed" "$@"
