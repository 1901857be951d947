"""`nbgrader collect`, without what a student may have put into the exchange to be followed or believed.

nbgrader copies what links point to, with the instructor's rights: a link to the source notebook becomes a copy of it in
the student's own submission. One pipe, or a folder that is too large, ends the collection for everybody. And anyone may
put a folder with another student's name into the exchange. Wired as `c.ExchangeFactory.collect` in nbgrader_config.py.
"""

import os
import pwd
import shutil
import stat

from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import ignore_patterns

from ..notebooks.names import shown

GROUP_FOLDER, GROUP_FILE = 0o2770, 0o660        # what nbgrader's `groupshared` asks for


class Collect(ExchangeCollect):
    """nbgrader's collector: links stay links, special files stay behind, a student's own folders go first."""

    def _sort_by_timestamp(self, records):
        """The newest first, but a folder that belongs to the student it names before any that does not."""
        newest = super()._sort_by_timestamp(records)
        return sorted(newest, key=lambda record: self.check_owner and not self.is_own(record))

    def is_own(self, record):
        try:
            owner = os.lstat(os.path.join(self.inbound_path, record["filename"])).st_uid
            return pwd.getpwuid(owner).pw_name == record["username"]
        except (OSError, KeyError):
            return False

    def do_copy(self, src, dest, log=None):
        """Copy one submission; one that cannot be taken leaves an empty folder, which grading names."""
        if os.path.islink(src) or self.get_size(src) > 1000 * self.coursedir.max_dir_size:
            self.log.error("%s was not collected: it is a link, or larger than CourseDirectory.max_dir_size", shown(src))
            os.makedirs(dest)
            return
        others = ignore_patterns(exclude=self.coursedir.ignore, include=self.coursedir.include,
                                 max_file_size=self.coursedir.max_file_size, log=self.log)

        def left_behind(folder, names):
            special = [name for name in names if is_special(os.path.join(folder, name))]
            for name in special:
                self.log.warning("%s was left behind: it is no ordinary file", shown(os.path.join(folder, name)))
            return {*special, *others(folder, [name for name in names if name not in special])}

        shutil.copytree(src, dest, symlinks=True, ignore=left_behind)
        if self.coursedir.groupshared:
            share(dest)


def is_special(path):
    mode = os.lstat(path).st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))


def share(folder):
    """Give the group the rights that nbgrader gives it."""
    for inside, _, names in os.walk(folder):
        os.chmod(inside, os.stat(inside).st_mode & 0o7777 | GROUP_FOLDER)
        for name in names:
            path = os.path.join(inside, name)
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode & 0o7777 | GROUP_FILE)
