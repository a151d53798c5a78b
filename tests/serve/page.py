"""Drives the page of a running serve in a headless Chromium, as a person does, and says what is not as it should be.

  usage: page.py CHROMIUM PORT PICTURES      (a folder for pictures, or "": none)

The server has a tagger, a classifier and a model that answers, named tag, classify and answer.
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import time


class Browser:
    """A page, over the DevTools protocol: messages end with a zero byte, on two pipes."""

    def __init__(self, program, profile):
        to_browser, self.out = os.pipe()
        self.inward, from_browser = os.pipe()

        def pipes():  # the browser's descriptors 3 and 4
            read, write = os.dup(to_browser), os.dup(from_browser)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen(
            [program, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
             '--disable-background-networking', '--remote-debugging-pipe', '--user-data-dir=' + profile, '--window-size=900,900'],
            preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.session, self.events = b'', 0, None, []
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Network', 'Log'):
            self.call(domain + '.enable')

    def call(self, method, **parameters):
        self.number += 1
        message = {'id': self.number, 'method': method, 'params': parameters}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.out, json.dumps(message).encode() + b'\0')
        while True:
            while b'\0' not in self.buffer:
                read = os.read(self.inward, 1 << 16)
                if not read:
                    raise RuntimeError('the browser has ended')
                self.buffer += read
            line, self.buffer = self.buffer.split(b'\0', 1)
            reply = json.loads(line)
            if reply.get('id') != self.number:
                self.events.append(reply)
                continue
            if 'error' in reply:
                raise RuntimeError(f'{method}: {reply["error"]}')
            return reply['result']

    def value(self, expression):
        result = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in result:
            raise RuntimeError(f'{expression}: {result["exceptionDetails"]}')
        return result['result'].get('value')

    def wait(self, expression, what):
        for _ in range(600):
            if self.value(expression):
                return
            time.sleep(0.05)
        raise RuntimeError(f'{what}: not within 30 seconds; the page says: {self.value("document.body.innerText")}')

    def type(self, text):
        self.call('Input.insertText', text=text)

    def press(self, key, modifiers=0):
        code = {'Tab': 9, 'Enter': 13, ' ': 32, 'ArrowDown': 40, 'a': 65, 'Backspace': 8}[key]
        text = {'Enter': '\r', ' ': ' '}.get(key, '') if not modifiers else ''
        common = {'key': key, 'windowsVirtualKeyCode': code, 'modifiers': modifiers}
        self.call('Input.dispatchKeyEvent', type='keyDown' if text else 'rawKeyDown', text=text, **common)
        self.call('Input.dispatchKeyEvent', type='keyUp', **common)

    def focus(self):
        return self.value('document.activeElement.id || document.activeElement.textContent')

    def tab_to(self, name):
        for _ in range(20):
            if self.focus() == name:
                return
            self.press('Tab')
        raise RuntimeError(f'the key Tab does not come to {name}')

    def picture(self, path):
        image = self.call('Page.captureScreenshot', format='png', captureBeyondViewport=True)['data']
        with open(path, 'wb') as file:
            file.write(base64.b64decode(image))


failures = []


def check(good, what):
    if not good:
        failures.append(what)
        print('failed:', what)


def drive(browser, port, pictures):
    def picture(name):
        if pictures:
            browser.picture(os.path.join(pictures, name + '.png'))

    marks = 'Array.from(document.querySelectorAll("#shown mark")).map(m => m.firstChild.textContent)'
    browser.call('Page.navigate', url=f'http://127.0.0.1:{port}/')
    browser.wait('document.readyState == "complete" && !document.getElementById("form").hidden', 'the page loads')

    # Names, by the keyboard alone: the text has the focus, Ctrl+Enter asks.
    check(browser.focus() == 'text', f'the text has the focus: {browser.focus()}')
    browser.type('\U0001f600 Anna lives in Port Mill .')  # a character that is two units of a string
    browser.press('Enter', modifiers=2)
    browser.wait('document.getElementById("heading").textContent.includes("name")', 'names are shown')
    check('Port Mill' in browser.value(marks), f'names are marked: {browser.value(marks)}')
    check('LOC' in browser.value('Array.from(document.querySelectorAll("mark small")).map(s => s.textContent)'), 'their types are told')
    check('computed in' in browser.value('document.getElementById("note").textContent'), 'the time is told')
    check(browser.value('getComputedStyle(document.querySelector("mark")).backgroundColor') not in ('', 'rgba(0, 0, 0, 0)'), 'a mark has a colour')
    picture('names')

    # What was typed is text, not markup.
    browser.value('document.getElementById("text").value = ""; document.getElementById("text").focus()')
    browser.type('<img src=x onerror="document.title=1"> Anna')
    browser.press('Enter', modifiers=2)
    browser.wait('document.getElementById("shown").textContent.includes("img src=x")', 'markup is shown as it is')
    check(browser.value('document.querySelectorAll("#shown img").length') == 0, 'markup stays text')

    # An example, chosen with Tab and the space bar.
    browser.press('Tab')
    browser.press(' ')
    browser.wait('document.getElementById("text").value.startsWith("Anna Brown") && document.getElementById("shown").textContent.includes("for Siemens in")',
                 'an example is asked')

    # Classes with probabilities, by the button.
    browser.value('const m = document.getElementById("model"); m.value = "classify"; m.dispatchEvent(new Event("change"))')
    check(browser.value('document.getElementById("result").hidden'), 'another model begins without a result')
    browser.value('document.getElementById("text").value = "the film is good"; document.getElementById("text").focus()')
    browser.tab_to('go')
    browser.press('Enter')
    browser.wait('document.querySelectorAll("#shown tr").length == 2', 'classes are shown')
    check(browser.value('document.getElementById("heading").textContent') == 'pos', 'the likeliest class is the heading')
    check(' %' in browser.value('document.querySelector("#shown td.number").textContent'), 'with its probability')
    picture('classes')

    # An answer, highlighted in its paragraph; Enter in the question asks.
    browser.value('m.value = "answer"; m.dispatchEvent(new Event("change"))')
    browser.value('document.getElementById("text").value = "anna lives in alden . boris is in brom"; document.getElementById("second").focus()')
    browser.type('where does anna live ?')
    browser.press('Enter')
    browser.wait('document.querySelector("#shown mark") != null', 'an answer is marked')
    answer = browser.value(marks)[0]
    check(browser.value('document.getElementById("heading").textContent').startswith(answer), 'the answer is the heading')
    check(browser.value('document.getElementById("shown").textContent') == 'anna lives in alden . boris is in brom', 'the paragraph is whole')
    picture('answer')

    # An error is told as text.
    browser.value('document.getElementById("text").value = ""; m.value = "tag"; m.dispatchEvent(new Event("change")); '
                  'models[0].name = "nowhere"; submit()')
    browser.wait('document.querySelector("#heading.error") != null', 'an error is shown')
    check('nowhere' in browser.value('document.getElementById("heading").textContent'), 'the error says why')

    # Dark and light, wide and narrow.
    light = browser.value('getComputedStyle(document.body).backgroundColor')
    browser.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark'}])
    check(browser.value('getComputedStyle(document.body).backgroundColor') != light, 'dark is not light')
    browser.value('models[0].name = "tag"; document.getElementById("text").value = "Clara met Boris Brom in Alden ."; submit()')
    browser.wait('document.querySelectorAll("#shown mark").length > 0', 'names are shown in the dark')
    picture('dark')
    browser.call('Emulation.setDeviceMetricsOverride', width=360, height=740, deviceScaleFactor=2, mobile=True)
    check(browser.value('document.documentElement.scrollWidth') <= 360, 'a narrow window needs no scrolling to the side')
    picture('narrow')

    # Nothing from anywhere else, and nothing that the browser complains of.
    for event in browser.events:
        if event.get('method') == 'Network.requestWillBeSent':
            url = event['params']['request']['url']
            check(url.startswith((f'http://127.0.0.1:{port}/', 'data:', 'about:')), f'a request to {url}')
        if event.get('method') == 'Runtime.exceptionThrown':
            check(False, f'an exception: {event["params"]}')
        if event.get('method') == 'Log.entryAdded' and event['params']['entry']['level'] == 'error':
            entry = event['params']['entry']
            check('404' in entry['text'], f'an error in the console: {entry["text"]}')  # that of the unknown model


def main():
    program, port, pictures = sys.argv[1:4]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            drive(browser, int(port), pictures)
        finally:
            browser.process.kill()
            browser.process.wait()
    print('the page:', 'as it should be' if not failures else f'{len(failures)} failures')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
