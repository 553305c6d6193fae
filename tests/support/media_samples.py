"""A photo and videos as phones and cameras make them."""

import base64
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from imageio_ffmpeg import get_ffmpeg_exe


@cache
def video(form: str = "mp4", seconds: float = 3.0, size: tuple[int, int] = (320, 180), codec: str = "libx264") -> bytes:
    """Red for a second and a half, then blue, with a tone."""
    width, height = size
    colours = f"color=red:s={width}x{height}:r=10:d=1.5[a];color=blue:s={width}x{height}:r=10:d={seconds - 1.5}[b]"
    with TemporaryDirectory() as folder:
        target = f"{folder}/video.{form}"
        picture = ("-f", "lavfi", "-i", f"{colours};[a][b]concat")
        sound = ("-f", "lavfi", "-i", f"sine=d={seconds}")
        command = [get_ffmpeg_exe(), "-v", "error", *picture, *sound, "-c:v", codec, "-shortest", target]
        subprocess.run(command, check=True)
        return Path(target).read_bytes()


HEIC = base64.b64decode(
    """
    AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAchtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAADRpbG9jAAAA
    AERAAAIAAQAAAAAB7AABAAAAAAAAAM8AAgAAAAACuwABAAAAAAAAAPQAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZl
    AgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAABB2lwcnAAAADmaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH/
    /wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoDCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwYkAAAATY29s
    cm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAYAAAAEAAAAAoY2xhcAAAAGAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAA
    AwgICAAAAAlpcm90AwAAABlpcG1hAAAAAAAAAAEAAQaBAgMFhIYAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAActtZGF0AAAAyygBrwnR7EA5
    IyS///pk///5Fu5D+MMATJKSFP/5FiPv5ITP/7zMDWLJknf6Dr8flfZzivgL/aOWUjPFDjACnGVEKyHlSMCQWyho5sAB2+KZ38mtKVrA9vO5rXw1
    mlzZoODrdtW6rrjKoOvx+V00m0Jyw8+hkCYznBIDR9VLAN4lRNS6Z01iuov1w096UCchbjPAkT/YtSlvJrpC51EbLbc0ylquMDR/DM4QeOJ5wLQQ
    R0S6aazS41qbIfVwXIyFy+2UfgSZyCX2a+ECAAAABkV4aWYAAE1NACoAAAAIAAUBDwACAAAABwAAAEoBEAACAAAACwAAAFIBEgADAAAAAQAGAACH
    aQAEAAAAAQAAAF6IJQAEAAAAAQAAAIQAAAAAQ2FuYXJ5AABDYW5hcnkgT25lAAAAAZADAAIAAAAUAAAAcAAAAAAyMDI0OjA1OjA2IDA3OjA4OjA5
    AAAEAAEAAgAAAAJOAAAAAAIABQAAAAMAAAC6AAMAAgAAAAJFAAAAAAQABQAAAAMAAADSAAAAAAAAADAAAAABAAAACAAAAAEAAAAeAAAAAQAAAAsA
    AAABAAAAIgAAAAEAAAAeAAAAAQ==
    """
)
"""A photo of 48 x 96 pixels as a phone stores it, red at the top and blue at the bottom: turned by its EXIF data, with
camera, time and place.
"""
