#!/bin/bash
# CPU and GPU give the same, and how fast one GPU is; under 10 minutes.
# Without a GPU, to see that it runs: bash benchmarks/gpu.sh --device cpu --quick
set -e
cd "$(dirname "$0")/.."
python -c "import torch; print('torch', torch.__version__, '| CUDA', torch.version.cuda, '|', torch.cuda.device_count(), 'GPU')"
timeout 580 python -m benchmarks.gpu "$@"
