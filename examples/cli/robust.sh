#!/bin/sh
# From a folder of images to a robust network with its figures, by the command line alone:
#   sh robust.sh PHOTOS OUT [key=value...]
# PHOTOS holds train/CLASS/*.jpg and test/CLASS/*.jpg; OUT gets the run. Further arguments are options of the training.
# Started again after an interruption it goes on where it was.
set -eu
photos=$1
out=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
selfgrad=${SELFGRAD:-npx selfgrad}

$selfgrad data verify --source image-folder --path "$photos" --size 32x32
$selfgrad data stats --source image-folder --path "$photos" --size 32x32

if [ -f "$out/model.safetensors" ]; then
  echo "$out is trained."
elif [ -f "$out/checkpoint.safetensors" ]; then
  $selfgrad train --resume "$out"
else
  $selfgrad train -c "$here/selfgrad.yaml" "data.path=$photos" "$@" --out "$out"
fi

# The validation split is for choosing, the test split for the figure that is told.
$selfgrad eval "$out" --split validation
$selfgrad eval "$out"
$selfgrad masking "$out" --out "$out/masking.json"
$selfgrad report "$out"
$selfgrad card "$out"
$selfgrad export "$out" --format onnx --out "$out/model.onnx"
