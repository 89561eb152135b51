"""A run in a process of its own, to be disturbed: ``driver.py EXPERIMENT OUT [FILE_BYTES | memory]``.

Says what happens in JSON lines; exits as the command line would.
"""

import json
import resource
import sys
from pathlib import Path

from metagenx.errors import MetagenxError
from metagenx.meta.progress import Progress
from metagenx.meta.tune import tune


def main() -> int:
    experiment, out, *rest = sys.argv[1:]

    def say(progress: Progress) -> None:
        print(json.dumps([progress.kind, progress.stage, progress.fits, progress.text]), flush=True)
        if (
            rest and rest[0].isdigit() and progress.kind == "started"
        ):  # from now on no file of this process may grow beyond this
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(rest[0]), resource.RLIM_INFINITY))

    if rest == ["memory"]:  # what there is now, and a little more
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 400 * 2**20, resource.RLIM_INFINITY))
    try:
        result = tune(Path(experiment), out=out, workers=2, progress=say, dashboard=False, trust=True)
    except MetagenxError as error:
        print(json.dumps(["error", type(error).__name__, 0, str(error)]), flush=True)
        return error.exit_code
    print(json.dumps(["result", "", len(result.records), result.verdict]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
