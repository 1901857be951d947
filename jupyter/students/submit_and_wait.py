"""Submit, and bring the answer: for the nbgrader_config.py of students' servers, where `course watch` runs.

`Submit` in the Assignment List returns when the answer is there, or after `MOST_SECONDS`: while it waits, the student's whole
server does. What comes later is fetched by a thread. Where nobody is watching, it waits for nothing.
"""

import threading
import time
from pathlib import Path

from nbgrader.exchange.default import ExchangeSubmit
from nbgrader.utils import notebook_hash

MOST_SECONDS, FRESH_SECONDS = 2.5, 10       # of waiting; since the watcher's last sign of life
THREAD_SECONDS = 900                        # how long a thread looks for what takes longer
WAITS = b'data-waits="yes"'                 # in the first tag of a page that says that the answer is still to come


class SubmitAndWait(ExchangeSubmit):
    """nbgrader's Submit, which also fetches the answer."""

    def get_size(self, root):
        """What is handed in. The pages of feedback that lie there are not, and must not fill what a submission may take."""
        return super().get_size(root) - super().get_size(Path(root, "feedback"))

    def copy_files(self):
        super().copy_files()
        try:
            self.fetch_answer(Path(self.root, self.coursedir.course_id, "feedback"))
        except (OSError, UnicodeError) as error:        # it is handed in, whatever becomes of the answer
            self.log.warning("The answer cannot be fetched by itself: %s", error)

    def fetch_answer(self, feedback):
        cached = Path(self.cache_path, self.assignment_filename.rsplit("+", 1)[0] if self.add_random_string else self.assignment_filename)
        secret = (cached / "submission_secret.txt").read_text()
        pages = {path.stem: feedback / f"{notebook_hash(secret=secret, notebook_id=path.stem)}.html" for path in cached.glob("[!.]*.ipynb")}
        try:
            watched = time.time() - (feedback / ".watching").stat().st_mtime < FRESH_SECONDS
        except OSError:
            watched = False
        if watched and pages:
            target = Path(self.src_path, "feedback", str(self.timestamp))
            thread = threading.Thread(target=fetch, args=(pages, target), daemon=True)
            thread.start()
            thread.join(MOST_SECONDS)


def fetch(pages, target):
    """Copy each page ({notebook: where it will be}) as it comes and changes, until the last one is an answer."""
    seen, until, pause = {}, time.monotonic() + THREAD_SECONDS, 0.05
    while pages and time.monotonic() < until:
        for name, page in list(pages.items()):
            try:
                when = page.stat().st_mtime_ns
                if seen.get(name) != when:
                    content = page.read_bytes()     # once: it may be replaced meanwhile
                    target.mkdir(parents=True, exist_ok=True)
                    target.joinpath(f"{name}.html").write_bytes(content)
                    seen[name] = when
                    if WAITS not in content[:200]:
                        del pages[name]
            except OSError:
                pass        # not there yet
        time.sleep(pause)
        pause = min(1.0, pause * 1.05)
