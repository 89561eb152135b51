"""A batch in a process of its own, to be disturbed: ``batch_driver.py FOLDER MODEL OUT EVALUATIONS``."""

import json
import sys

from metagenx.errors import MetagenxError
from metagenx.meta.batch import batch
from metagenx.meta.progress import Progress


def main() -> int:
    folder, model, out, evaluations = sys.argv[1:]

    def say(progress: Progress) -> None:
        print(json.dumps([progress.kind, progress.stage, progress.fits, progress.text]), flush=True)

    try:
        result = batch(
            folder, model, out=out, evaluations=int(evaluations), seed=3, workers=2, progress=say, dashboard=False
        )
    except MetagenxError as error:
        print(json.dumps(["error", type(error).__name__, 0, str(error)]), flush=True)
        return error.exit_code
    print(json.dumps(["result", "", len(result.table), result.verdict]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
