"""Every environment variable that dferbench reads, as docs/reference/variables.md has them.

The modules that read them say how; a test holds the source against this list.
"""

from __future__ import annotations

from collections.abc import Mapping

ROOTS = "DFERBENCH_ROOT_"
"""What the variables of datasets begin with."""
OWN: Mapping[str, str] = {
    "DFERBENCH_HOME": "Folder of `config.toml`, which remembers where datasets lie, and of what `verify` "
    "found, instead of the folders that the system has for them.",
    "DFERBENCH_CACHE": "Folder of what can be made again: drawn videos and cached features.",
    "DFERBENCH_ROOT_<NAME>": "Where the dataset of that name lies, in capitals and with underscores for "
    "hyphens, such as `DFERBENCH_ROOT_CREMA_D`; `--root` goes first.",
    "DFERBENCH_PLUGINS": "Plugin files, separated as in PATH, that are loaded as by `--plugin`.",
    "DFERBENCH_OUTPUT": "Folder of the runs where `--output` is not given.",
    "DFERBENCH_DEVICE": "Where to compute if `--device` is not given.",
    "DFERBENCH_JOBS": "Runs at a time if `--jobs` is not given.",
    "DFERBENCH_WORKERS": "Processes that read videos if `--workers` is not given.",
    "DFERBENCH_FEATURES": "Folder of the cached features of frozen encoders, on a disk of this machine.",
    "DFERBENCH_FEATURES_GB": "Gigabytes that all cached features together may take; 10 if not set, 0 keeps "
    "none.",
    "DFERBENCH_CORES": "How many processor cores there are, a whole number from 1 on, instead of those that "
    "the affinity and the control groups of the process allow.",
    "DFERBENCH_CLAIMS": "How processes on one output folder claim runs: `lock`, `lease` or `auto`, which is "
    "a lease on network file systems and a lock elsewhere.",
}
"""Those of dferbench; a name with <NAME> stands for many."""
HEEDED: Mapping[str, str] = {
    "CUDA_VISIBLE_DEVICES": "The GPUs that may be used; each process of `--jobs` sees the one it has.",
    "OMP_NUM_THREADS": "Threads of a process on the CPU; where it is not set, several processes share the "
    "cores.",
    "CUBLAS_WORKSPACE_CONFIG": "Set to `:4096:8` unless it is set, so that results on a GPU repeat.",
    "GLOO_SOCKET_IFNAME": "Network interface of several CPU processes; on Linux `lo` unless it is set.",
    "HF_HUB_OFFLINE": "Set to 1 by `doctor` unless it is set, as it looks at what is there.",
    "RAY_AUTH_TOKEN": "Ray's token; one is drawn for the cluster that `--launcher ray` starts itself.",
    "SLURM_TMPDIR": "Folder on the node, for cached features that would else lie on a network.",
    "USERNAME": "The user's name where the system has no user ids, for a folder among temporary ones.",
}
"""Those of other programs that dferbench reads, or sets where nobody has; their libraries read more."""
