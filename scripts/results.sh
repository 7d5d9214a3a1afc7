#!/usr/bin/env bash
# Measures docs/results anew:  scripts/results.sh DATA OUT [NAME...]
# DATA holds rmbench/, rewardbench/, dsp/, processbench/, gsm8k/ and math_suites/ as published; OUT gets NAME.json and
# NAME.md. Verdicts and token statistics are kept in OUT.work: a run that was stopped goes on where it was.
set -euo pipefail
data=$1 out=$2
shift 2
work=$out.work
mkdir -p "$out" "$work"
endorm=${ENDORM:-build/release/endorm}
free=mean-log-likelihood,sum-log-likelihood,minus-entropy,self-certainty,length,minus-length,random

# measured NAME COMMAND...
measured() {
  local name=$1 status=0
  shift
  echo "$name"
  "$endorm" "$@" --cache "$work/statistics.db" --rows "$work/$name" --json "$out/$name.json" --no-rows --shown 0 \
    --markdown "$out/$name.md" >"$work/$name.txt" || status=$?
  [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || exit "$status" # 3: rows of the data that cannot be used
}

# measure NAME BENCHMARK FOLDER JUDGES [OPTION...]
measure() { measured "$1" bench "$2" --data "$data/$3" --judge "$4" "${@:5}"; }

# answer SUITE FOLDER PROBLEMS MAX_TOKENS
answer() {
  measured "$1" eval math --suite "$1" --data "$data/$2" --limit "$3" --sample-seed 1 --samples 8 --temperature 0.7 \
    --max-tokens "$4" --precision fast --judge "endorm,$free"
}

smollm2=(--precision fast)
# 200 prompts of each set (DSP: 50 queries under four system messages, RM-Bench and ProcessBench: 50 of each of the four
# files), the same for every judge.
subset=(--sample-seed 1 --limit)
gemma=(--model gemma3-270m-base --template plain --precision fast)
asking=endorm,information-gain,verifier,verifier-normalized,pointwise,$free
amateur=(--reference gemma3-270m-base --reference-template plain)
sweep=(--sweep "gamma=0.5..1.0:0.05,aggregation=discounted,mean,sum,chunked_mean,last_k")

all=(rm-bench rewardbench dsp processbench rewardbench-asked rm-bench-asked dsp-asked
  rewardbench-gemma rm-bench-gemma dsp-gemma processbench-gemma gsm8k math500)
[ $# -gt 0 ] || set -- "${all[@]}"
for name in "$@"; do
  case "$name" in
    rm-bench) measure "$name" rm-bench rmbench "endorm,$free" "${smollm2[@]}" "${sweep[@]}" ;;
    rewardbench) measure "$name" rewardbench rewardbench "endorm,$free" "${smollm2[@]}" "${sweep[@]}" ;;
    dsp) measure "$name" dsp dsp "contrast,endorm,$free" "${smollm2[@]}" ;;
    processbench) measure "$name" processbench processbench "endorm,mean-log-likelihood,minus-entropy,self-certainty" "${smollm2[@]}" ;;
    rewardbench-asked) measure "$name" rewardbench rewardbench "$asking,log-ratio,pairwise,pairwise-five" "${smollm2[@]}" "${amateur[@]}" "${subset[@]}" 200 ;;
    rm-bench-asked) measure "$name" rm-bench rmbench "$asking" "${smollm2[@]}" "${subset[@]}" 50 ;;
    dsp-asked) measure "$name" dsp dsp "contrast,$asking" "${smollm2[@]}" "${subset[@]}" 50 ;;
    rewardbench-gemma) measure "$name" rewardbench rewardbench "endorm,$free" "${gemma[@]}" "${subset[@]}" 200 ;;
    rm-bench-gemma) measure "$name" rm-bench rmbench "endorm,$free" "${gemma[@]}" "${subset[@]}" 50 ;;
    dsp-gemma) measure "$name" dsp dsp "contrast,endorm,$free" "${gemma[@]}" "${subset[@]}" 50 ;;
    processbench-gemma) measure "$name" processbench processbench "endorm,mean-log-likelihood,minus-entropy,self-certainty" "${gemma[@]}" "${subset[@]}" 50 ;;
    gsm8k) answer "$name" gsm8k 200 400 ;;
    math500) answer "$name" math_suites 60 512 ;;
    *)
      echo "results: there is no measurement called $name; there are: ${all[*]}" >&2
      exit 2
      ;;
  esac
done
