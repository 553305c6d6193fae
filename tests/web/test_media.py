"""Audio and video in the viewer: playback from signed URLs, seeking with ranges."""

import base64
import io
import math
import struct
import wave

from playwright.async_api import Page, Response, expect
from web_visitors import Visitor, check_page

from docstore_platform.testing import eventually

RATE = 44_100
SECONDS = 60
HAVE_CURRENT_DATA = 2
"""HTMLMediaElement.readyState."""

RECORD = """async () => {
  const canvas = document.createElement('canvas');
  canvas.width = 160;
  canvas.height = 120;
  const pen = canvas.getContext('2d');
  let frame = 0;
  const drawing = setInterval(() => {
    pen.fillStyle = `hsl(${(frame += 9) % 360} 80% 50%)`;
    pen.fillRect(0, 0, 160, 120);
  }, 30);
  const recorder = new MediaRecorder(canvas.captureStream(30), {mimeType: 'video/webm;codecs=vp8'});
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const ended = new Promise((done) => { recorder.onstop = done; });
  recorder.start();
  setTimeout(() => recorder.stop(), 2000);
  await ended;
  clearInterval(drawing);
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}"""
"""Two seconds of changing colours, as WebM."""


def tone() -> bytes:
    """A minute of a quiet tone in stereo: 10 MB, far more than a browser fetches ahead."""
    levels = (round(900 * math.sin(n / RATE * math.tau * 440)) for n in range(RATE))
    second = b"".join(struct.pack("<hh", level, level) for level in levels)
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(second * SECONDS)
    return target.getvalue()


def answers_of_the_store(page: Page) -> list[Response]:
    """What the page is answered at signed URLs, as it comes."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer) if "X-Amz-Signature=" in answer.url else None)
    return answers


async def plays(page: Page, element: str) -> None:
    """It has data, and its time goes on."""

    async def read(property_name: str) -> float:
        return float(await page.evaluate(f"document.querySelector('{element}').{property_name}"))

    async def has_data() -> bool:
        return await read("readyState") >= HAVE_CURRENT_DATA

    await eventually(has_data)
    start = await read("currentTime")
    await page.evaluate(f"document.querySelector('{element}').play()")

    async def goes_on() -> bool:
        return await read("currentTime") > start + 0.2

    await eventually(goes_on)


async def test_audio_plays_and_seeks(ada: Visitor) -> None:
    """A jump to the end fetches the end, not all that is before it."""
    content = tone()
    await ada.put("/interview.wav", content, content_type="audio/wav")
    page = await ada.open()
    answers = answers_of_the_store(page)
    await ada.row("interview.wav").dblclick()
    await expect(page.get_by_role("dialog").locator("audio")).to_be_visible()
    await plays(page, "audio")
    assert await page.evaluate("document.querySelector('audio').duration") == SECONDS
    await check_page(page, "viewer-audio")
    await page.evaluate(
        """() => new Promise((done) => {
          const audio = document.querySelector('audio');
          audio.onseeked = done;
          audio.currentTime = 50;
        })"""
    )
    await plays(page, "audio")
    assert 50 <= await page.evaluate("document.querySelector('audio').currentTime") < SECONDS
    ranges = [(await answer.request.all_headers()).get("range", "") for answer in answers]
    starts = [int(requested.removeprefix("bytes=").partition("-")[0]) for requested in ranges if requested]
    assert {answer.status for answer in answers} == {206}
    assert max(starts) > len(content) // 2


async def test_video_plays(ada: Visitor) -> None:
    """With its picture, and again from its middle."""
    page = await ada.open()
    video = base64.b64decode(await page.evaluate(RECORD))
    await ada.put("/clip.webm", video, content_type="video/webm")
    answers = answers_of_the_store(page)
    await ada.row("clip.webm").dblclick()
    await expect(page.get_by_role("dialog").locator("video")).to_be_visible()
    await plays(page, "video")
    assert await page.evaluate("document.querySelector('video').videoWidth") == 160
    await check_page(page, "viewer-video")
    await page.evaluate("document.querySelector('video').currentTime = 0.5")
    await plays(page, "video")
    assert {answer.status for answer in answers} <= {200, 206}
    assert answers
