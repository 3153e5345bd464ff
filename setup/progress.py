"""Turns pip's talk into a line that moves on a terminal, or a line per package."""

import queue
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterable

NAMED = re.compile(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)")
FETCHED = re.compile(r"\s+(?:Downloading|Using cached) \S+ \((.+)\)")
LOCAL = re.compile(r"Processing .*/([\w.]+)-[^/]*$")
INSTALLING = re.compile(r"Installing collected packages: (.*)")
QUIET_SECONDS = 5  # a line at least so often, where no line can move


class Progress:
    def __init__(self, total: int) -> None:
        self.total = total
        self.seen: set[str] = set()
        self.doing = "asking for packages"
        self.is_terminal = sys.stdout.isatty()
        self.began = self.spoke = time.monotonic()

    def follow(self, lines: Iterable[str]) -> list[str]:
        """Show what the lines tell until they end; they are returned."""
        heard: queue.Queue[str | None] = queue.Queue()
        said: list[str] = []

        def listen() -> None:
            for line in lines:
                heard.put(line.rstrip())
            heard.put(None)

        threading.Thread(target=listen, daemon=True).start()
        while True:
            try:
                line = heard.get(timeout=1)
            except queue.Empty:
                self.show(news=False)
                continue
            if line is None:
                break
            said.append(line)
            self.show(news=self.understand(line))
        self.end()
        return said

    def understand(self, line: str) -> bool:
        """Whether the line says something new."""
        if found := NAMED.match(line) or LOCAL.match(line):
            self.doing = found[1].lower().replace("_", "-")
            self.seen.add(self.doing)
            return line.startswith("Processing")
        if found := FETCHED.match(line):
            self.doing = f"{self.doing.split(' ')[0]} ({found[1]})"
            return True
        if found := INSTALLING.match(line):
            self.doing = f"installing {found[1].count(',') + 1} packages"
            return True
        return False

    def show(self, news: bool) -> None:
        now = time.monotonic()
        # Packages that others bring along are not always counted beforehand.
        count = f"{len(self.seen)}/{max(len(self.seen), self.total)}"
        text = f"  [{count}] {self.doing}, {now - self.began:.0f} s"
        if self.is_terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{text[:width]}", end="", flush=True)
        elif news or now - self.spoke > QUIET_SECONDS:
            print(text, flush=True)
            self.spoke = now

    def end(self) -> None:
        start = "\r\033[K" if self.is_terminal else ""
        seconds = time.monotonic() - self.began
        print(f"{start}  {len(self.seen)} packages, {seconds:.0f} s", flush=True)
