"""A headless Chromium driven over its debugging pipe (Chrome DevTools Protocol), without any further package."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time

# The pipe's ends must be 3 and 4 in the browser; copies first, for they may be those numbers already.
START = """import os, sys
a, b = (os.dup(int(n)) for n in sys.argv[1:3])
while min(a, b) < 5: a, b = os.dup(a), os.dup(b)
os.dup2(a, 3); os.dup2(b, 4); os.execv(sys.argv[3], sys.argv[3:])"""
PATIENCE = 300  # seconds; a loaded machine is no failure
NAMES = ("chromium", "chromium-browser", "google-chrome")


def path():
    """The browser's path, None when there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One browser with one page.  `requests` are the addresses it asked for, `complaints` what its console said."""

    def __init__(self, home, width=1200, height=900):
        in_read, in_write = os.pipe()
        out_read, out_write = os.pipe()
        self.to, self.back = in_write, out_read

        command = [path(), "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
                   "--disable-background-networking", f"--user-data-dir={home}/profile", f"--window-size={width},{height}",
                   "about:blank"]  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(in_read), str(out_write), *command], pass_fds=(in_read, out_write),
            env=os.environ | {"HOME": str(home)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(in_read)
        os.close(out_write)
        self.buffer, self.number, self.session = b"", 0, None
        self.requests, self.complaints, self.loaded = [], [], 0
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.size(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.back)

    def _message(self, deadline):
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.back], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self.back, 1 << 16)
            if not data:
                raise EOFError("the browser is gone")
            self.buffer += data
        raw, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(raw)
        method, given = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(given["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(given["args"])[:500])
        elif method == "Log.entryAdded" and given["entry"]["level"] in ("error", "warning"):
            self.complaints.append(given["entry"]["text"])
        elif method == "Page.loadEventFired":
            self.loaded += 1
        return message

    def call(self, method, **given):
        """One command; returns its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": given}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._message(deadline)
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer)
                return answer["result"]

    def settle(self, before):
        """Wait until a page is loaded that was asked for after `before` loads."""
        deadline = time.monotonic() + PATIENCE
        while self.loaded == before:
            self._message(deadline)

    def open(self, url):
        """Load a page."""
        before = self.loaded
        self.call("Page.navigate", url="about:blank")
        self.settle(before)
        before = self.loaded
        self.call("Page.navigate", url=url)
        self.settle(before)

    def value(self, script):
        """What a script's expression gives."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, (script, found)
        return found["result"].get("value")

    def key(self, key):
        """Press and release a key."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def scripts(self, on):
        """Turn JavaScript of pages on or off."""
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def size(self, width, height):
        """Width and height of the page in pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, media="", **features):
        """Emulate a medium (`print`) or features (`prefers-color-scheme`)."""
        listed = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", media=media, features=listed)

    def picture(self, file):
        """A PNG of what is seen."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(file, "wb") as handle:
            handle.write(base64.b64decode(data))
