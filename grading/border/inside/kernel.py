"""The student's kernel: an IPython shell that takes cells and calls over one socket.

It is made ready once (`Kernel()` imports NumPy and Matplotlib and builds the shell) and then forked for each
submission. Cells run first, all of them; calls come later, in a forked child, so that a crash there leaves the kernel as
it was for the next exercise, and no hidden input can turn up in a cell's output.
"""

import ast
import base64
import contextlib
import gc
import inspect
import io
import os
import selectors
import signal
import site
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from types import FrameType, ModuleType
from typing import Any

import calls
import wire
from IPython.core.autocall import ExitAutocall
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import LSString, SList
from traitlets import default
from traitlets.config import Config

MAX_STREAM = 200_000        # characters of text that one cell may print
MAX_FRAMES = 10             # at either end of a traceback that is shown
# Pools that threads of their own process serve, and what is true of one that is open.
POOLS = (("concurrent.futures.thread", "ThreadPoolExecutor", {"_shutdown": False}),
         ("concurrent.futures.process", "ProcessPoolExecutor", {"_shutdown_thread": False}),
         ("multiprocessing.pool", "Pool", {"_state": "RUN"}), ("multiprocessing.pool", "ThreadPool", {"_state": "RUN"}))
# Magics of ipykernel for the editor and the page around the notebook.
ELSEWHERE = ("autosave", "clear", "cls", "connect_info", "ed", "edit", "less", "man", "more", "qtconsole", "subshell")


class CellTimeout(BaseException):
    """A cell used up its time; not an Exception, so that `except Exception` in a loop does not swallow it."""


class Recorder:
    """Collects the outputs of the running cell in notebook format and stops listening at the caps."""

    def __init__(self) -> None:
        self.start(0)

    def start(self, most: int) -> None:
        """Begin anew, for at most `most` bytes of output."""
        self.outputs, self.size, self.printed, self.most = [], 0, 0, most

    def add(self, output: dict[str, Any], size: int) -> None:
        if self.size > self.most:
            return
        self.size += size
        if self.size > self.most:
            output = {"output_type": "stream", "name": "stdout", "text": "... Output truncated ...\n"}
        self.outputs.append(output)

    def write(self, name: str, text: str) -> None:
        most = min(MAX_STREAM, self.most)
        if self.printed > most:
            return
        text = text[:most + 1 - self.printed]
        self.printed += len(text)
        if self.printed > most:
            text += "\n... Output truncated ...\n"
        last = self.outputs[-1] if self.outputs else {}
        if last.get("output_type") == "stream" and last.get("name") == name:
            last["text"].append(text)
        else:
            self.outputs.append({"output_type": "stream", "name": name, "text": [text]})

    def show(self, kind: str, data: Mapping[str, Any], metadata: Mapping[str, Any] | None, **more: Any) -> None:
        data = {mime: base64.b64encode(blob).decode() if isinstance(blob, bytes) else blob
                for mime, blob in data.items()}
        size = sum(len(blob) if isinstance(blob, str) else 1000 for blob in data.values())
        self.add({"output_type": kind, "data": data, "metadata": metadata or {}, **more}, size)

    def finish(self) -> list[dict[str, Any]]:
        for output in self.outputs:
            if isinstance(output.get("text"), list):
                output["text"] = "".join(output["text"])
        return self.outputs


recorder = Recorder()


class Bytes(io.RawIOBase):
    """The `buffer` of a stream: what is written to it is shown as text."""

    def __init__(self, stream: "Stream") -> None:
        self.stream = stream

    def writable(self) -> bool:
        return True

    def write(self, blob: Any) -> int:
        self.stream.write(bytes(blob).decode("utf-8", errors="replace"))
        return len(blob)


class Stream(io.TextIOBase):
    """Stands in for sys.stdout and sys.stderr."""

    encoding, errors = "utf-8", "strict"

    def __init__(self, name: str) -> None:
        self.name, self.buffer = name, Bytes(self)

    def fileno(self) -> int:
        """A number, as in ipykernel, for what asks for one; what is written to that file nobody sees."""
        return 1 if self.name == "stdout" else 2

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        recorder.write(self.name, text)
        return len(text)


class Publisher(DisplayPublisher):
    def publish(self, data: Mapping[str, Any], metadata: Mapping[str, Any] | None = None, **_: Any) -> None:
        recorder.show("display_data", data, metadata)

    def clear_output(self, wait: bool = False) -> None:
        recorder.outputs.clear()


class Hook(DisplayHook):
    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Mapping[str, Any], md_dict: Mapping[str, Any] | None = None) -> None:
        recorder.show("execute_result", format_dict, md_dict, execution_count=self.prompt_count)

    def finish_displayhook(self) -> None:
        pass


class Exit(ExitAutocall):
    """`exit` and `quit`: the next cell is run all the same, as when Jupyter runs all cells."""

    def __call__(self, keep_kernel: bool = False) -> None:
        pass


class ZMQInteractiveShell(InteractiveShell):
    """Under the name that ipykernel's shell has, for that is how notebooks ask whether they are in Jupyter."""

    @default("exiter")
    def _exiter_default(self) -> Exit:
        return Exit(self)

    def init_display_formatter(self) -> None:
        super().init_display_formatter()
        self.display_formatter.active_types = self.display_formatter.format_types

    def enable_gui(self, gui: str | None = None) -> None:
        pass

    def enable_matplotlib(self, gui: str | None = None) -> Any:
        """Draw inline, whatever window or widget is asked for: there is none here."""
        return super().enable_matplotlib("inline")

    def system(self, cmd: str) -> None:
        """Run a line that begins with "!". IPython's own way takes a terminal, and there is none."""
        code, text = run_command(self.var_expand(cmd, depth=1))
        print(text, end="")
        self.user_ns["_exit_code"] = code

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> SList | LSString:
        text = run_command(self.var_expand(cmd, depth=depth + 1))[1]
        return SList(text.splitlines()) if split else LSString(text)

    def transform_cell(self, raw_cell: str) -> str:
        """Leave alone what is Python already: looking for magics and shell commands takes longer than most cells. A single
        word may be a magic as well, and a notebook may have its own idea of what is Python."""
        if raw_cell.strip().isidentifier() or self.input_transformers_post:
            return super().transform_cell(raw_cell)
        try:
            compile(raw_cell, "", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return super().transform_cell(raw_cell)
        return raw_cell

    def should_run_async(self, raw_cell: str, **more: Any) -> bool:
        """Without compiling the cell once more: no cell needs an event loop that does not say so."""
        return ("await" in raw_cell or "async" in raw_cell) and super().should_run_async(raw_cell, **more)

    def _get_exc_info(self, exc_tuple: Any = None) -> tuple[Any, Any, Any]:
        kind, value, trace = super()._get_exc_info(exc_tuple)
        shorten(value, self.compile._filename_map)
        return kind, value, value.__traceback__ if value.__traceback__ is not None else trace

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        try:
            message = str(evalue)[:2000]
        except Exception:
            message = ""
        recorder.add({"output_type": "error", "ename": getattr(etype, "__name__", "Error"), "evalue": message,
                      "traceback": [str(line)[:20_000] for line in stb[:100]]}, 10_000)


def run_command(line: str) -> tuple[int, str]:
    """(exit code, what was printed) of a line for the shell; what goes on in the background is not waited for."""
    with tempfile.TemporaryFile() as file:
        done = subprocess.run(line, shell=True, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        file.seek(0)
        return done.returncode, file.read(MAX_STREAM + 1).decode(errors="replace")


def shorten(error: BaseException, cells: Any) -> None:
    """Leave in the tracebacks of `error` the notebook's own frames, and of these the outer and the inner ones.

    Paths of this host are nobody's business, and a thousand frames of a recursion take seconds to format. The first frame
    is IPython's, which it leaves out itself.
    """
    seen, foreign = [], 1
    while error is not None and not any(error is one for one in seen):
        seen.append(error)
        frames, frame = [], error.__traceback__
        while frame is not None:
            frames.append(frame)
            frame = frame.tb_next
        kept = frames[:foreign] + [frame for frame in frames[foreign:] if is_in_notebook(frame, cells)]
        kept = kept if len(kept) > foreign else frames
        if calls.settle(error):
            kept = kept[:MAX_FRAMES]
        elif isinstance(error, CellTimeout):        # the line at which it was stopped is a matter of chance
            kept = kept[:foreign + 1]
        elif len(kept) > 2 * MAX_FRAMES:
            kept = kept[:MAX_FRAMES] + kept[-MAX_FRAMES:]
        for one, after in zip(kept, [*kept[1:], None]):
            one.tb_next = after
        error.__traceback__ = kept[0] if kept else None
        error, foreign = error.__cause__ or error.__context__, 0


def is_in_notebook(frame: FrameType, cells: Any) -> bool:
    name = frame.tb_frame.f_code.co_filename
    return name in cells or not os.path.isabs(name) or name.startswith(os.getcwd())


def write_files(files: list[Any], block: bytes) -> dict[str, Any]:
    """Put the submission's other files into the working folder; past the size of the scratch space they are cut off."""
    for name, at, size in files:
        try:
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            with open(name, "wb") as file:
                file.write(block[at:at + size])
        except OSError:
            break
    return {"written": True}


def wait_by_poll() -> None:
    """Have event loops wait by a call that student code may make: see border/filter.py."""
    selectors.DefaultSelector = selectors.PollSelector


def list_fonts() -> None:
    """Let Matplotlib list its fonts by their names alone. For each of sixty PostScript fonts it would read the size of
    every letter, a fifth of the server's start; the list has no use for that, and no picture is drawn with them."""
    assert "matplotlib.font_manager" not in sys.modules, "the fonts are listed by now"
    from matplotlib import _afm
    if not hasattr(_afm, "_parse_header") or not hasattr(_afm, "AFM"):
        return      # another Matplotlib: it reads all of them, which takes longer and changes nothing

    class Header(_afm.AFM):
        def __init__(self, file: io.BufferedIOBase) -> None:
            self._header = _afm._parse_header(file)

    whole, _afm.AFM = _afm.AFM, Header
    import matplotlib.font_manager  # noqa: F401
    _afm.AFM = whole


def refuse_changed_upstream() -> None:
    """An override that IPython calls no more would lose outputs and errors in silence: then there is no kernel."""
    for ours in (Publisher, Hook, ZMQInteractiveShell):
        base = ours.__bases__[0]
        if gone := [name for name in vars(ours) if not name.startswith("__") and not hasattr(base, name)]:
            raise RuntimeError(f"IPython's {base.__name__} has no {', '.join(gone)} any more: another version is installed "
                               "than the course is made for")


def begin_pools_anew() -> None:
    """Threads do not come along into a fork: a pool that the notebook keeps would wait for its own for ever, and is made once
    more as it was made."""
    kinds = {getattr(sys.modules.get(module), name, None): open_as for module, name, open_as in POOLS}
    for pool in gc.get_objects():
        if (open_as := kinds.get(kind := type(pool))) and all(getattr(pool, name, None) == value for name, value in open_as.items()):
            given = {name: getattr(pool, f"_{name}") for name in inspect.signature(kind).parameters if hasattr(pool, f"_{name}")}
            with contextlib.suppress(Exception):
                kind.__init__(pool, **given)


def draw_inline() -> None:
    """Let pyplot draw inline, whatever window or widget a notebook asks for: there is none here."""
    from matplotlib import pyplot
    switch = pyplot.switch_backend

    def switch_backend(newbackend: str) -> None:
        try:
            switch(newbackend)
        except ImportError:
            switch(os.environ["MPLBACKEND"])
    pyplot.switch_backend = switch_backend


def older_names(shell: InteractiveShell) -> None:
    """What IPython has given up and Colab's still has, in lines that many notebooks begin with."""
    import IPython.core.display
    import IPython.display
    from matplotlib_inline.backend_inline import set_matplotlib_formats
    vars(IPython.core.display).setdefault("display", IPython.display.display)
    vars(IPython.display).setdefault("set_matplotlib_formats", set_matplotlib_formats)
    if not hasattr(shell, "magic"):
        shell.magic = lambda line: shell.run_line_magic(*(*line.lstrip("%").split(maxsplit=1), "")[:2])


def stand_in_for_tk() -> None:
    """Let `from tkinter import W` and `from turtle import shape` pass, which editors add by themselves: there is no window here."""
    tk = ModuleType("_tkinter")

    class TclError(Exception):
        pass

    def create(*_: Any) -> None:
        raise TclError("no display name and no $DISPLAY environment variable")
    vars(tk).update(TclError=TclError, create=create, TK_VERSION="8.6", TCL_VERSION="8.6", READABLE=2, WRITABLE=4, EXCEPTION=8)
    sys.modules["_tkinter"] = tk


def let_go_of_fonts() -> None:
    """Close the font files that Matplotlib keeps open: a kernel opens its own, for an open file is shared by all forks."""
    from matplotlib import font_manager, mathtext
    for place, name in ((font_manager, "_get_font"), (mathtext.MathTextParser, "_parse_cached")):
        if not hasattr(cached := getattr(place, name, None), "cache_clear"):
            raise RuntimeError(f"Matplotlib's {place.__name__} has no {name} any more: another version is installed than the course "
                               "is made for")
        cached.cache_clear()
    gc.collect()


class Kernel:
    """One shell and what it knows of the notebook: which cell each function came from."""

    def __init__(self) -> None:
        refuse_changed_upstream()
        wait_by_poll()
        list_fonts()            # before anything else loads Matplotlib
        site.sethelper()        # the server starts without: see border/sandbox.py
        site.setcopyright()
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.history_length = 0
        config.IPKernelApp.parent_appname = ""         # that ipykernel's is there is another way to ask for Jupyter
        sys.modules["ipykernel"] = ModuleType("ipykernel")
        config.InteractiveShell.xmode = "Plain"         # "Context" takes up to 0.1 s for one error
        config.InteractiveShell.displayhook_class = Hook
        config.InteractiveShell.display_pub_class = Publisher
        self.shell = ZMQInteractiveShell.instance(config=config, displayhook_class=Hook, display_pub_class=Publisher)
        older_names(self.shell)
        self.shell.extension_manager.load_extension("storemagic")
        for name in ELSEWHERE:
            self.shell.register_magic_function(lambda line: None, magic_name=name)
        self.definitions = {}       # exercise -> the distinct callables that its name has stood for, oldest first
        self.cell_of = {}           # execution count -> number of the cell in the notebook
        self.warm_up(dict(self.shell.user_ns))

    def warm_up(self, names: dict[str, Any]) -> None:
        """Show one figure and one traceback to nobody: what they load and cache is then there before the fork. A notebook
        begins with these `names`."""
        self.shell.run_cell("1 / 0")
        draw_inline()
        stand_in_for_tk()
        self.shell.enable_matplotlib("inline")
        import matplotlib.pyplot as plt
        import numpy.random  # noqa: F401  NumPy itself loads it late
        gc.freeze()     # what is loaded stays: the collection below is for what the figure leaves behind
        figure, axes = plt.subplots(figsize=(2, 1.5), dpi=30)       # nobody sees it: a small one loads as much
        axes.semilogy([1, 2, 3], [1e-3, 1, 10], label="$a$")
        axes.set(title="title", xlabel="label", ylabel="label")
        axes.legend()
        figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
        plt.close(figure)
        let_go_of_fonts()
        self.shell.execution_count = 1
        self.shell.user_ns.clear()
        self.shell.user_ns.update(names)
        self.shell.init_user_ns()
        self.shell.user_ns["__name__"] = "__main__"
        sys.modules["__main__"] = self.shell.user_module
        self.shell.compile._filename_map.clear()

    def serve(self, sock: socket.socket) -> None:
        """Answer requests until the grader hangs up. Runs in the forked process of one submission."""
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = Stream("stdout"), Stream("stderr")
        while True:
            try:
                request, block = wire.receive(sock)
            except wire.Closed:
                return
            match request["op"]:
                case "files":
                    answer, blobs = write_files(request["files"], block), b""
                case "run":
                    answer, blobs = self.run(request), b""
                case "calls":
                    answer, blobs = self.calls(request, block)
                case "exercise":
                    answer, blobs = self.exercise(sock), b""
                case "end":
                    os._exit(0)
            wire.send(sock, {"id": request["id"], **answer}, blobs)

    # --- cells --------------------------------------------------------------------------------------------------

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one cell; its outputs, and for each watched name how many definitions there are by now."""
        recorder.start(request["show"])
        self.cell_of[self.shell.execution_count] = request["cell"]
        started = time.monotonic()
        signal.signal(signal.SIGALRM, self.time_is_up)
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])
        try:
            result = self.shell.run_cell(request["source"], store_history=True)
            timed_out = isinstance(result.error_in_exec, CellTimeout)
        except CellTimeout:
            timed_out = True
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        found = {name: self.note(name) for name in request["watch"]}
        return {"outputs": recorder.finish(), "timed_out": timed_out, "found": found,
                "count": self.shell.execution_count - 1, "seconds": time.monotonic() - started}

    @staticmethod
    def time_is_up(signum: int, frame: FrameType | None) -> None:
        raise CellTimeout("the cell used up its time")

    def note(self, name: str) -> int:
        known, now = self.definitions.setdefault(name, []), self.shell.user_ns.get(name)
        if callable(now) and not any(now is one for one in known):
            known.append(now)
        return len(known)

    # --- calls --------------------------------------------------------------------------------------------------

    def exercise(self, sock: socket.socket) -> dict[str, Any]:
        """Fork a child that answers calls over the same socket; say how it ended."""
        threads = threading.active_count()
        pid = os.fork()
        if pid == 0:
            if threads > 1:
                begin_pools_anew()
            wire.send(sock, {"ready": True})
            self.serve(sock)
            os._exit(0)
        status = os.waitpid(pid, 0)[1]
        return {"ended": os.waitstatus_to_exitcode(status)}

    def calls(self, request: dict[str, Any], block: bytes) -> tuple[dict[str, Any], bytes]:
        """Call one definition of a function once for each case. The alarm ends this forked child, not the kernel."""
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])
        function = self.definitions[request["function"]][request["definition"]]
        blobs = bytearray()
        recorder.start(0)
        reports = [calls.call(function, case, blobs, request["after"], self.locate)
                   for case in wire.decode(request["cases"], block, words=sys.intern)]
        signal.setitimer(signal.ITIMER_REAL, 0)
        return {"reports": reports}, bytes(blobs)

    def locate(self, error: BaseException) -> list[int] | None:
        """[cell number, line] of the innermost frame of `error` that lies in a cell, or None.

        Of a recursion that was too deep it is the outermost one.
        """
        counts, place, frame = self.shell.compile._filename_map, None, error.__traceback__
        while frame is not None:
            cell = self.cell_of.get(counts.get(frame.tb_frame.f_code.co_filename))
            if cell is not None:
                place = [cell, frame.tb_lineno]
                if isinstance(error, RecursionError):
                    break
            frame = frame.tb_next
        return place
