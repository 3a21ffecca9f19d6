# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven through chromedriver by the WebDriver protocol."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from run import Failure, Skip

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """with Browser(context) as page: page.open(path); page.script("return 1 + arguments[0]", 2)"""

    def __init__(self, context, width=1400, height=800):
        driver = shutil.which("chromedriver")
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        if not driver or not chromium:
            raise Skip("no Chromium: install chromium and chromium-driver")
        self.context, self.session = context, None
        self.profile = tempfile.TemporaryDirectory(prefix="linuxd-chromium-", ignore_cleanup_errors=True)
        self.driver = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       start_new_session=True)
        self.port = None
        for line in self.driver.stdout:
            context.write_log(line)
            if "successfully on port" in line:
                self.port = int(line.split("port")[1].strip(" .\n"))
                break
        if not self.port:
            self.end()
            raise Failure("chromedriver does not start")
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-device-scale-factor=1",
                     "--hide-scrollbars", f"--user-data-dir={self.profile.name}", f"--window-size={width},{height}"]
        try:
            answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"},
                "goog:chromeOptions": {"binary": chromium, "args": arguments}}}}, timeout=120)
        except Failure:
            self.end()
            raise
        self.session = answer["sessionId"]

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.end()

    def end(self):
        if self.session:
            try:
                self.call("DELETE", f"/session/{self.session}", timeout=20)
            except Failure:
                pass
        try:
            os.killpg(self.driver.pid, signal.SIGKILL)
        except OSError:
            pass
        self.driver.wait()
        self.driver.stdout.close()
        self.profile.cleanup()

    def call(self, method, path, body=None, timeout=60):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=timeout) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Failure(f"{path}: {error.read().decode(errors='replace')[:600]}") from None
        except OSError as error:
            raise Failure(f"{path}: {error}") from None

    def do(self, method, path, body=None):
        return self.call(method, f"/session/{self.session}{path}", body)

    def open(self, path):
        self.do("POST", "/url", {"url": "file://" + path})

    def script(self, text, *arguments):
        return self.do("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def wait(self, text, *arguments, timeout=60):
        """Until the script returns something true; returns it."""
        end = time.monotonic() + timeout
        while True:
            value = self.script(text, *arguments)
            if value:
                return value
            if time.monotonic() > end:
                raise Failure(f"the page does not get there: {text}")
            time.sleep(0.1)

    def pointer(self, *actions):
        """Moves are ("move", x, y); then "down" and "up"."""
        steps = [{"type": "pointerMove", "duration": 0, "x": int(a[1]), "y": int(a[2])} if a[0] == "move" else
                 {"type": "pointerDown" if a == "down" else "pointerUp", "button": 0} for a in actions]
        self.do("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}]})

    def wheel(self, x, y, delta):
        self.do("POST", "/actions", {"actions": [{"type": "wheel", "id": "wheel", "actions": [
            {"type": "scroll", "x": int(x), "y": int(y), "deltaX": 0, "deltaY": int(delta), "duration": 0}]}]})

    def keys(self, text):
        steps = [step for key in text for step in ({"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})]
        self.do("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": steps}]})

    def type(self, selector, text):
        element = self.do("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]
        self.do("POST", f"/element/{element}/value", {"text": text})

    def click(self, selector):
        element = self.do("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]
        self.do("POST", f"/element/{element}/click")

    def problems(self):
        """What the page wrote to the console as errors."""
        return [entry["message"] for entry in self.do("POST", "/se/log", {"type": "browser"}) if entry["level"] == "SEVERE"]

    def screenshot(self, path):
        import base64
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.do("GET", "/screenshot")))
